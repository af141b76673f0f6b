//! What this is: who answers, what can be asked, how signers are written to.

use counterpoint_dns::agent::Transport;

use super::{
    Answer, Call, Failure, OPERATIONS, ROOT,
    resources::{Listed, Ping, Updater},
};
use crate::{Interface, Limits, Signer, keeper::Keeper, setup::now};

/// The program.
pub(crate) const SERVICE: &str = "counterpoint-controller";
/// Its version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Who answers.
pub(super) fn ping(_: &mut Keeper, _: &Call) -> Result<Answer, Failure> {
    let now = now().to_string();
    let ping = Ping {
        service: SERVICE.into(),
        version: VERSION.into(),
        now: now.clone(),
    };
    Ok(Answer::fine(format!("{SERVICE} {VERSION}, {now}\n"), &ping))
}

/// What can be asked.
pub(super) fn operations(_: &mut Keeper, _: &Call) -> Result<Answer, Failure> {
    let listed = OPERATIONS.iter().map(|operation| Listed {
        operation: operation.id.into(),
        method: operation.method.name().into(),
        path: format!("{ROOT}{}", operation.path),
        role: operation.role.name().into(),
        what: operation.what.into(),
    });
    let listed: Vec<Listed> = listed.collect();
    let lines = listed.iter().map(|l| {
        let Listed {
            operation,
            method,
            path,
            role,
            what,
        } = l;
        format!("{operation:15} {role:8} {method:6} {path}\n                {what}\n")
    });
    Ok(Answer::fine(lines.collect(), &listed))
}

/// How each signer is written to.
pub(super) fn updaters(keeper: &mut Keeper, _: &Call) -> Result<Answer, Failure> {
    let signers = keeper.setup.declared.config.signers.iter();
    let updaters = signers.map(|(name, signer)| {
        let (interface, at) = written_to(signer);
        Updater {
            signer: name.to_string(),
            interface: interface.into(),
            at,
            limits: limits(signer),
        }
    });
    let updaters: Vec<Updater> = updaters.collect();
    let lines = updaters.iter().map(|updater| {
        let Updater {
            signer,
            interface,
            at,
            limits,
        } = updater;
        let limits = limits.as_deref().unwrap_or("no limits");
        format!("{signer}  {interface} {at}  {limits}\n")
    });
    let text: String = lines.collect();
    Ok(Answer::fine(super::declared::or_none(text), &updaters))
}

/// The interface of a signer, and where it is.
pub(super) fn written_to(signer: &Signer) -> (&'static str, String) {
    match &signer.interface {
        Interface::Ddns(access) => ("ddns", format!("{} {}", via(access.via), access.primary)),
        Interface::SignedRrset(access) => {
            let at = format!("{} {}", via(access.via), access.primary);
            ("signed-rrset", at)
        }
        Interface::Desec(access) => ("desec", access.url.clone()),
    }
}

/// The word of a transport.
pub(super) fn via(via: Transport) -> &'static str {
    match via {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    }
}

/// How often a signer is written to, if there is a limit.
pub(super) fn limits(signer: &Signer) -> Option<String> {
    let is_limited = signer.limits != Limits::default();
    is_limited.then(|| signer.limits.to_string())
}
