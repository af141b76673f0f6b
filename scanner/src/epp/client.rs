//! Connections to registries: TLS over TCP (RFC 5734), within bounds of time.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use counterpoint_dns::{driver::clock::Clock, time::Timestamp};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

use super::session::Line;

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a command and its answer may take, however slowly they come.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// Whom to trust, and who we are: PEM texts.
#[derive(Clone, Debug, Default)]
pub struct Papers {
    /// The authorities of the server's certificate; without them, the public ones.
    pub authorities: Option<String>,
    /// Our own certificate, with its key.
    pub own: Option<(String, String)>,
}

/// A TCP connection whose reads and writes end with the command's time.
#[derive(Debug)]
pub struct Timed {
    stream: TcpStream,
    until: Timestamp,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let now = Clock.now();
        match now < self.until {
            true => Ok(self.until - now),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(to)
    }
}

impl Write for Timed {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A connection over TLS.
pub type Connection = StreamOwned<ClientConnection, Timed>;

impl Line for Connection {
    fn begin(&mut self) {
        self.sock.until = Clock.now() + COMMAND_MAX;
    }
}

/// Connects to `HOST:PORT`; the certificate must be the host's.
pub fn connect(server: &str, papers: &Papers) -> io::Result<Connection> {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_string();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let tls = ClientConnection::new(Arc::new(config(papers)?), name).map_err(io::Error::other)?;
    let mut last = io::Error::other(format!("{server} has no address"));
    let addresses: Vec<SocketAddr> = server.to_socket_addrs()?.collect();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                let until = Clock.now() + COMMAND_MAX;
                return Ok(StreamOwned::new(tls, Timed { stream, until }));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn config(papers: &Papers) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &papers.authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(io::Error::other)?;
                roots.add(certificate).map_err(io::Error::other)?;
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &papers.own else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let (chain, key) = (
        chain.map_err(io::Error::other)?,
        key.map_err(io::Error::other)?,
    );
    builder
        .with_client_auth_cert(chain, key)
        .map_err(io::Error::other)
}
