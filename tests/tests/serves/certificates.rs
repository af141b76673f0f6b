//! Where every caller must show a certificate, nobody else is heard.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use crate::{
    daemon::{Daemon, office},
    kit::Office,
};

/// What the daemon answers to a ping from who shows this certificate, if any.
async fn ping(office: &Office, daemon: &Daemon, shown: Option<(&str, &str)>) -> String {
    let certificate = |text: &str| CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&office.read("serve.pem"))).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some((pem, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            let chain = vec![certificate(pem)];
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let at = daemon.url.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let mut said = String::new();
    // With TLS 1.3 a refusal is heard after the handshake only.
    if let Ok(mut stream) = connecting.await {
        let request = b"GET /api/v1/ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_string(&mut said).await;
    }
    said
}

#[tokio::test]
async fn who_shows_none_or_a_strangers_is_not_heard() {
    let [office, stranger] = [(); 2].map(|()| office());
    let declared = office.read("c.toml");
    // Its own certificate is the only authority.
    let closed = declared.replacen(
        "certificate = ",
        "client-ca = \"serve.pem\"\ncertificate = ",
        1,
    );
    office.write("c.toml", &closed);
    let daemon = Daemon::start(&office);
    let pair = |office: &Office| (office.read("serve.pem"), office.read("serve.key"));
    let (pem, key) = pair(&office);
    let said = ping(&office, &daemon, Some((&pem, &key))).await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    let (pem, key) = pair(&stranger);
    assert_eq!(ping(&office, &daemon, Some((&pem, &key))).await, "");
    assert_eq!(ping(&office, &daemon, None).await, "");
}
