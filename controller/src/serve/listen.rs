//! Sockets, TLS, and limits on what strangers may hold: connections, time, octets of a head.

use std::{
    convert::Infallible,
    fs, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use counterpoint_dns::driver::daemon::{
    connections::{self, Limits},
    journal,
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use super::route::Desk;
use crate::{
    api::Failure,
    declarations::{BadDeclaration, Serving, private_text},
};

const LIMITS: Limits = Limits {
    connections_max: 512,
    of_address_max: 128,
};
/// How long a handshake, and the head of a request, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer heads are refused.
const HEAD_OCTETS_MAX: usize = 32 * 1_024;
/// More fields are refused.
const FIELDS_MAX: usize = 64;

/// Sockets that listen.
pub(super) struct Listeners {
    sockets: Vec<TcpListener>,
    tls: TlsAcceptor,
}

impl Listeners {
    /// Opens them.
    pub(super) async fn open(serving: &Serving) -> Result<Self, Failure> {
        let tls = TlsAcceptor::from(Arc::new(tls(serving)?));
        let mut sockets = Vec::new();
        for address in &serving.listen {
            let socket = TcpListener::bind(address).await.map_err(|error| {
                let remedy = "name another in `listen` of [serve], or stop who listens there";
                BadDeclaration::new(address, error, remedy)
            })?;
            sockets.push(socket);
        }
        Ok(Self { sockets, tls })
    }

    /// Where they listen.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self
            .sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok());
        addresses.collect()
    }

    /// Takes connections, for ever.
    pub(super) async fn accept(self, desk: Rc<Desk>) {
        let tls = self.tls;
        let talk = move |stream, peer| talk(tls.clone(), stream, peer, desk.clone());
        let turned_away =
            |peer: IpAddr| journal::event("turned-away", &[("peer", &peer.to_string())]);
        connections::accept(self.sockets, LIMITS, talk, turned_away).await;
    }
}

/// One connection, until either side has enough of it.
async fn talk(tls: TlsAcceptor, stream: TcpStream, peer: SocketAddr, desk: Rc<Desk>) {
    // Answers are small, and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(PATIENCE, tls.accept(stream)).await else {
        return;
    };
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(peer.ip(), request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD_OCTETS_MAX)
        .max_headers(FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever went wrong, the other side did it, or is gone.
    let _ = connection.await;
}

/// The keys and certificates that were declared.
fn tls(serving: &Serving) -> Result<ServerConfig, Failure> {
    let bad = |path: &Path, error: &dyn std::fmt::Display| {
        let remedy = "name files in PEM in [serve]; `init` makes a pair of them";
        Failure::from(BadDeclaration::new(path.display(), error, remedy))
    };
    let certificates = |path: &Path| -> Result<Vec<CertificateDer<'static>>, Failure> {
        let octets = fs::read(path).map_err(|error| bad(path, &error))?;
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&octets).collect();
        let read = read.map_err(|error| bad(path, &error))?;
        match read.is_empty() {
            true => Err(bad(path, &"it holds no certificate")),
            false => Ok(read),
        }
    };
    let chain = certificates(&serving.certificate)?;
    let key = private_text(&serving.key)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let key = key.map_err(|_| bad(&serving.key, &"it holds no private key"))?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| io::Error::other(error.to_string()))?;
    let builder = match &serving.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(|error| bad(path, &error))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| bad(path, &error))?)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| bad(&serving.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
