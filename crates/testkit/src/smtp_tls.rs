//! TLS for the fake mail server: `openssl s_server` as the end of the encryption.

use std::process::Stdio;

use tokio::{
    net::TcpStream,
    process::{ChildStdin, ChildStdout, Command},
};

use crate::tls::Certificates;

impl Certificates {
    /// Both sides of one TLS connection: the encrypted socket, and what is said inside.
    pub(crate) async fn terminator(&self) -> (TcpStream, (ChildStdout, ChildStdin)) {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("its address").port()
        };
        let mut child = Command::new("openssl")
            .args(["s_server", "-quiet", "-naccept", "1", "-accept", &format!("127.0.0.1:{port}")])
            .arg("-cert")
            .arg(self.file("cert.pem"))
            .arg("-key")
            .arg(self.file("key.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl starts");
        let inside = (child.stdout.take().expect("piped"), child.stdin.take().expect("piped"));
        // It ends by itself after its one connection.
        tokio::spawn(async move { child.wait().await });
        for _ in 0..500 {
            if let Ok(socket) = TcpStream::connect(("127.0.0.1", port)).await {
                return (socket, inside);
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("openssl s_server does not listen");
    }
}
