//! TLS for the fake mail server: certificates made by `openssl`, and `openssl s_server` as the end of the encryption.

use std::{path::PathBuf, process::Stdio};

use tokio::{
    net::TcpStream,
    process::{ChildStdin, ChildStdout, Command},
};

/// A certificate for `localhost` and 127.0.0.1, its key, and the authority that signed it.
pub struct Certificates {
    dir: tempfile::TempDir,
}

impl Certificates {
    /// `None`, with a line that says so, where there is no `openssl`. Panics when there is one and it fails.
    pub fn make() -> Option<Self> {
        if std::process::Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: there is no openssl program");
            return None;
        }
        let made = Self { dir: tempfile::tempdir().expect("a folder") };
        std::fs::write(made.file("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
            .expect("written");
        for line in [
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=Tests -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE",
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request",
            "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out cert.pem",
        ] {
            let output = std::process::Command::new("openssl")
                .args(line.split(' '))
                .current_dir(made.dir.path())
                .output()
                .expect("openssl starts");
            assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Some(made)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The authority a client must trust.
    pub fn authority(&self) -> PathBuf {
        self.file("ca.pem")
    }

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
