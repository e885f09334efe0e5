//! TLS for fakes: certificates made by `openssl`, and a front that takes the encryption off before a fake that speaks plainly.

use std::{path::PathBuf, process::Stdio, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::door::Door;

/// A certificate, its key, and the authority that signed it, which signed nothing else.
pub struct Certificates {
    dir: tempfile::TempDir,
}

impl Certificates {
    /// A certificate for `localhost` and 127.0.0.1.
    ///
    /// `None`, with a line that says so, where there is no `openssl`. Panics when there is one and it fails.
    pub fn make() -> Option<Self> {
        Self::make_for("DNS:localhost,IP:127.0.0.1")
    }

    /// The same for other names, as `DNS:search.example`.
    pub fn make_for(names: &str) -> Option<Self> {
        if std::process::Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: there is no openssl program");
            return None;
        }
        let made = Self { dir: tempfile::tempdir().expect("a folder") };
        std::fs::write(made.file("names"), format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n"))
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

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The authority a client must trust.
    pub fn authority(&self) -> PathBuf {
        self.file("ca.pem")
    }
}

/// Starts a TLS server on a free port of loopback and answers its address, `https://127.0.0.1:…`. What comes in is handed on to the server
/// at `plain` (`http://127.0.0.1:…`). Panics where that cannot be, which only a broken machine does. It ends with the runtime of the test.
pub async fn front(certificates: &Certificates, plain: &str) -> String {
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificates.file("cert.pem")).expect("a certificate").collect();
    let key = PrivateKeyDer::from_pem_file(certificates.file("key.pem")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_no_client_auth()
        .with_single_cert(chain.expect("a chain"), key)
        .expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let door = Door::open().await;
    let base = door.base("https");
    let behind = plain.trim_start_matches("http://").to_owned();
    door.serve(move |socket| {
        let (acceptor, behind) = (acceptor.clone(), behind.clone());
        async move {
            // A client that does not trust us goes away in the middle of the handshake.
            let Ok(mut outside) = acceptor.accept(socket).await else { return };
            let Ok(mut inside) = TcpStream::connect(behind).await else { return };
            let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
        }
    });
    base
}
