//! A registry that speaks EPP over TLS: it keeps domains with their nameservers, DS records or keys,
//! hosts with their addresses, and messages that wait; and it checks every frame and command.
//!
//! Small, and strict where the RFCs are: what a command names must be there, or must not. It owns its
//! own reading of commands and refuses to know the client's.

mod commands;
mod store;

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

pub use store::{Domain, Instead, Message, Store};

/// Who may log in, and with what.
pub const USER: &str = "scanner";
/// The password.
pub const PASSWORD: &str = "a & b <secret>";
/// Longer frames are refused.
const FRAME_MAX: usize = 1 << 20;
/// How often it is looked whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// The registry; it stops when dropped.
pub struct Registry {
    store: Arc<Mutex<Store>>,
    address: SocketAddr,
    certificate: String,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// Opens it on loopback, as `localhost`, with these objects.
    ///
    /// # Errors
    ///
    /// If there is no socket, or no certificate can be made.
    pub fn open(store: Store) -> io::Result<Self> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_string()]).map_err(io::Error::other)?;
        let certificate = cert.pem();
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
        let chain = chain
            .collect::<Result<Vec<_>, _>>()
            .map_err(io::Error::other)?;
        let key = signing_key.serialize_pem();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let store = Arc::new(Mutex::new(store));
        let ends = Arc::new(AtomicBool::new(false));
        let (config, shared, stop) = (Arc::new(config), store.clone(), ends.clone());
        let serve = move || {
            while !stop.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::park_timeout(LOOK);
                    continue;
                };
                // One client at a time. A connection that breaks is the client's to notice.
                let _ = converse(stream, &config, &shared, &stop);
            }
        };
        Ok(Self {
            store,
            address,
            certificate,
            ends,
            thread: Some(thread::spawn(serve)),
        })
    }

    /// Where it listens: the name that its certificate has, and the port.
    pub fn server(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Its certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What it keeps, and what it was asked.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has said so.
            let _ = thread.join();
        }
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

fn converse(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    store: &Mutex<Store>,
    stop: &AtomicBool,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LOOK * 5))?;
    stream.set_nodelay(true)?;
    let tls = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, stream);
    write(&mut stream, &commands::greeting())?;
    let mut admitted = false;
    while !stop.load(Ordering::Relaxed) {
        let command = match read(&mut stream, stop) {
            Ok(command) => command,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                lock(store).complaints.push(error.to_string());
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let answered = commands::answer(&command, &mut lock(store), &mut admitted);
        let Some(answer) = answered.document else {
            return Ok(());
        };
        write(&mut stream, &answer)?;
        if answered.ends {
            stream.conn.send_close_notify();
            return stream.flush();
        }
    }
    Ok(())
}

fn read_exact(stream: &mut Stream, octets: &mut [u8], stop: &AtomicBool) -> io::Result<()> {
    let mut at = 0;
    while at < octets.len() {
        match stream.read(&mut octets[at..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => at += length,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) && !stop.load(Ordering::Relaxed) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One frame (RFC 5734 §4): the length counts its own four octets.
fn read(stream: &mut Stream, stop: &AtomicBool) -> io::Result<String> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut head = [0; 4];
    read_exact(stream, &mut head, stop)?;
    let total = u32::from_be_bytes(head) as usize;
    if !(5..=FRAME_MAX).contains(&total) {
        return Err(bad(format!("a frame of {total} octets")));
    }
    let mut octets = vec![0; total - 4];
    read_exact(stream, &mut octets, stop)?;
    String::from_utf8(octets).map_err(|error| bad(error.to_string()))
}

fn write(stream: &mut Stream, document: &str) -> io::Result<()> {
    let head = (document.len() as u32 + 4).to_be_bytes();
    stream.write_all(&[&head, document.as_bytes()].concat())?;
    stream.flush()
}
