//! Connections to web interfaces, over hyper, with rustls for `https`; and one request and its answer.
//!
//! A connection for each request; no redirect is followed, nothing is kept: the token goes to the one
//! place that was declared. Whoever asks bounds the time.

use std::{io, pin::Pin, sync::Arc};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, crypto,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use crate::web::{self, Url};

/// Longer heads of answers are refused.
const HEAD_OCTETS_MAX: usize = 32 * 1_024;
/// More fields are refused.
const FIELDS_MAX: usize = 64;

/// What has to be polled for a connection to live; it ends when nobody asks any more.
pub type Connection = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Connects to the server of `url`; with TLS, by these certificates only (PEM), or by those of the public
/// authorities.
pub async fn connect(
    url: &Url<'_>,
    ca: Option<&str>,
) -> io::Result<(SendRequest<Full<Bytes>>, Connection)> {
    let stream = TcpStream::connect((url.host, url.port)).await?;
    if !url.is_tls {
        return handshake(TokioIo::new(stream)).await;
    }
    let name = ServerName::try_from(url.host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(tls(ca)?));
    handshake(TokioIo::new(connector.connect(name, stream).await?)).await
}

async fn handshake(
    stream: impl Read + Write + Unpin + Send + 'static,
) -> io::Result<(SendRequest<Full<Bytes>>, Connection)> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_OCTETS_MAX)
        .max_headers(FIELDS_MAX)
        .handshake(stream)
        .await
        .map_err(io::Error::other)?;
    Ok((sender, Box::pin(connection)))
}

/// Sends `request` and waits for its answer, whose body is at most `octets_max` long.
pub async fn ask(request: &web::Request, octets_max: usize) -> io::Result<web::Answer> {
    let url = Url::parse(&request.url).map_err(io::Error::other)?;
    let (mut sender, connection) = connect(&url, request.ca.as_deref()).await?;
    let mut head = Request::builder()
        .method(request.method.as_str())
        .uri(url.path)
        .header("host", url.authority)
        .header("authorization", request.authorization.reveal())
        .header("accept", "application/json");
    if !request.body.is_empty() {
        head = head.header("content-type", "application/json");
    }
    let body = Full::new(Bytes::from(request.body.clone()));
    let whole = head.body(body).map_err(io::Error::other)?;
    let asking = async move {
        let answer = sender.send_request(whole).await.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        let fields = answer.headers().iter();
        let fields = fields.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let fields = fields.collect();
        let body = Limited::new(answer.into_body(), octets_max).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(web::Answer {
            status,
            fields,
            body,
        })
    };
    let (answer, _) = tokio::join!(asking, connection);
    answer
}

/// Trusts these certificates only, or the public authorities.
fn tls(ca: Option<&str>) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(io::Error::other)?;
                roots.add(certificate).map_err(io::Error::other)?;
            }
        }
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
