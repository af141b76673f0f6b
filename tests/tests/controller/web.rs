//! A web interface over real sockets: HTTP/1.1 as a server of few words speaks it, with TLS or without.
//! What is asked there, the world answers.

use std::sync::Arc;

use counterpoint_dns::web::{Answer, Method, Request, Secret};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// The certificate of the authority that the server's is by.
pub const CA: &str = include_str!("tls/ca.pem");
/// That of another one.
pub const OTHER_CA: &str = include_str!("tls/other.pem");
const CERTIFICATE: &[u8] = include_bytes!("tls/server.pem");
const KEY: &[u8] = include_bytes!("tls/server.key");

/// A request that waits for its answer.
pub struct WebInquiry {
    /// As it came.
    pub request: Request,
    /// Where its answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// A web interface behind a socket.
pub struct Web {
    /// Its root.
    pub url: String,
    inquiries: mpsc::UnboundedReceiver<WebInquiry>,
    serving: JoinHandle<()>,
}

impl Drop for Web {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Web {
    /// Opens it on loopback.
    pub async fn open(is_tls: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let scheme = if is_tls { "https" } else { "http" };
        let url = format!("{scheme}://{}/api/v1", listener.local_addr().unwrap());
        let (sender, inquiries) = mpsc::unbounded_channel();
        let serving = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let sender = sender.clone();
                tokio::spawn(async move {
                    match is_tls {
                        false => serve(stream, &sender).await,
                        true => match acceptor().accept(stream).await {
                            Ok(stream) => serve(stream, &sender).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self {
            url,
            inquiries,
            serving,
        }
    }

    /// The next request.
    pub async fn next(&mut self) -> WebInquiry {
        self.inquiries.recv().await.expect("the server goes on")
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// One request and its answer; then the connection ends.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    sender: &mpsc::UnboundedSender<WebInquiry>,
) -> Option<()> {
    let mut octets = Vec::new();
    let (head, mut body) = loop {
        if let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = octets.split_off(end + 4);
            break (String::from_utf8(octets).ok()?, body);
        }
        if stream.read_buf(&mut octets).await.ok()? == 0 {
            return None;
        }
    };
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    let length = field("content-length").map_or(0, |text| text.parse().unwrap());
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let mut first = head.lines().next()?.split(' ');
    let method = match first.next()? {
        "GET" => Method::Get,
        "PATCH" => Method::Patch,
        other => panic!("{other}"),
    };
    let request = Request {
        method,
        url: first.next()?.to_owned(),
        authorization: Secret::new(field("authorization").unwrap_or_default()),
        body: String::from_utf8(body).ok()?,
        ca: None,
    };
    let (answer, answered) = oneshot::channel();
    sender.send(WebInquiry { request, answer }).ok()?;
    let Answer {
        status,
        fields,
        body,
    } = answered.await.ok()?;
    let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("connection: close\r\n\r\n{body}"));
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
