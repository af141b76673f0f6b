//! TCP connections of strangers: so many at a time, and so many of one address.

use std::{collections::BTreeMap, net::IpAddr, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::spawn_local,
    time::sleep,
};

/// How long no connection is taken after one could not be: when files run out, for a moment.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all; further ones wait.
    pub connections_max: usize,
    /// Of one address; further ones are closed at once.
    pub of_address_max: usize,
}

/// Takes connections, for ever, and has `talk` deal with each; `turned_away` hears of those that were
/// closed at once. Needs a `LocalSet`.
pub async fn accept<F>(
    sockets: Vec<TcpListener>,
    limits: Limits,
    talk: impl Fn(TcpStream, SocketAddr) -> F,
    turned_away: impl Fn(IpAddr),
) where
    F: Future<Output = ()> + 'static,
{
    let (arrived, mut arrivals) = mpsc::channel(1);
    for socket in sockets {
        let arrived = arrived.clone();
        spawn_local(async move {
            loop {
                match socket.accept().await {
                    Ok(came) => {
                        if arrived.send(came).await.is_err() {
                            return;
                        }
                    }
                    Err(_) => sleep(PAUSE).await,
                }
            }
        });
    }
    let (left, mut leaving) = mpsc::unbounded_channel::<IpAddr>();
    let mut open: BTreeMap<IpAddr, usize> = BTreeMap::new();
    let mut count = 0;
    loop {
        tokio::select! {
            Some(address) = leaving.recv() => {
                count -= 1;
                if let Some(of_address) = open.get_mut(&address) {
                    *of_address -= 1;
                    if *of_address == 0 {
                        open.remove(&address);
                    }
                }
            }
            Some((stream, peer)) = arrivals.recv(), if count < limits.connections_max => {
                let of_address = open.entry(peer.ip()).or_default();
                if *of_address >= limits.of_address_max {
                    turned_away(peer.ip());
                    continue;
                }
                *of_address += 1;
                count += 1;
                let (talking, left) = (talk(stream, peer), left.clone());
                spawn_local(async move {
                    talking.await;
                    let _ = left.send(peer.ip());
                });
            }
        }
    }
}
