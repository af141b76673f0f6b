//! A case before the rules: what was gathered, and what follows from it, computed once.

use counterpoint_dns::{
    key::Dnskey,
    name::RecordType,
    rdata::{Ds, serial_lt},
    rrset::SignedRrSet,
    signature::{Rrsig, Verifier},
    time::Timestamp,
    validate::{by_keys_within, dnskey_by_ds},
};

use super::{proposal::Proposal, request::Request};
use crate::{
    config::Sabotage,
    gather::{Answer, Gathered, Server},
    policy::Policy,
    state::Guard,
};

/// The keys of one server's own DNSKEY RRset, authenticated by the DS RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// All of them: they may sign zone data.
    pub keys: Vec<Dnskey>,
    /// Those that the DS RRset names as well: they may sign CDS and CDNSKEY (K-04).
    pub anchored: Vec<Dnskey>,
}

/// What the rules look at.
pub struct Case<'a> {
    /// What was gathered.
    pub gathered: &'a Gathered,
    /// What the parent decides.
    pub policy: &'a Policy,
    /// When it is judged.
    pub now: Timestamp,
    /// Checks signatures.
    pub verifier: &'a mut Verifier,
    /// What CDS and CDNSKEY ask for.
    pub request: Request,
    /// What CSYNC asks for.
    pub proposal: Option<Proposal>,
    chains: Vec<Option<Result<Chain, String>>>,
}

impl<'a> Case<'a> {
    /// A case of nothing yet.
    pub fn new(
        gathered: &'a Gathered,
        policy: &'a Policy,
        now: Timestamp,
        verifier: &'a mut Verifier,
    ) -> Self {
        Self {
            gathered,
            policy,
            now,
            verifier,
            request: Request::default(),
            proposal: None,
            chains: vec![None; gathered.servers.len()],
        }
    }

    /// The servers, with their positions.
    pub fn servers(&self) -> impl Iterator<Item = (usize, &'a Server)> + use<'a> {
        self.gathered.servers.iter().enumerate()
    }

    /// M-02: each server's DNSKEY RRset stands for itself; signers' sets may differ.
    pub fn chain(&mut self, at: usize) -> Result<Chain, String> {
        if let Some(Some(known)) = self.chains.get(at) {
            return known.clone();
        }
        let chain = match self.gathered.servers.get(at) {
            Some(server) => self.chain_of(&server.dnskey),
            None => Err("no such server".into()),
        };
        if let Some(slot) = self.chains.get_mut(at) {
            *slot = Some(chain.clone());
        }
        chain
    }

    /// The DS RRset that a DNSKEY RRset is judged by: the parent's; where there is none, the one that
    /// would be published (B-14).
    pub fn anchor(&self) -> Vec<Ds> {
        match self.gathered.delegation.ds {
            Some(_) => self.gathered.delegation.ds_records(),
            None => self.request.wanted.ds.iter().cloned().collect(),
        }
    }

    /// A DNSKEY RRset under the DS RRset of the [`Self::anchor`].
    pub fn chain_of(&mut self, dnskey: &Answer) -> Result<Chain, String> {
        let child = self.gathered.child();
        let Answer::Present(dnskey) = dnskey else {
            return Err(format!("DNSKEY: {dnskey}"));
        };
        let ds = self.anchor();
        let policy = &self.policy.validation;
        let keys = dnskey_by_ds(child, &ds, dnskey, policy, self.now, self.verifier)
            .map_err(|broken| format!("DNSKEY: {broken}"))?;
        let anchored = keys
            .iter()
            .filter(|key| policy.usable(&ds).any(|ds| key.matches(child, ds)))
            .cloned()
            .collect();
        Ok(Chain { keys, anchored })
    }

    /// Whether one of `keys` signed the RRset, and the signature holds now.
    pub fn signed_by(&mut self, keys: &[Dnskey], signed: &SignedRrSet) -> Result<(), String> {
        let rtype = signed.set.rtype;
        let (child, tolerance) = (self.gathered.child(), &self.policy.validation.tolerance);
        let rrsig = by_keys_within(tolerance, child, keys, signed, self.now, self.verifier)
            .map_err(|broken| format!("{rtype}: {broken}"))?;
        // RFC 4035 §5.3.4 would want proof that nothing closer is there; a delegation is not built
        // on wildcards.
        match rrsig.labels == signed.set.name.num_labels() {
            true => Ok(()),
            false => Err(format!("{rtype}: made from a wildcard")),
        }
    }

    /// The newest inception among the signatures that hold (K-09).
    pub fn newest_inception(&mut self, at: usize, signed: &SignedRrSet) -> Option<u32> {
        let chain = self.chain(at).ok()?;
        let is_anchored = |rrsig: &Rrsig| chain.anchored.iter().any(|key| key.tag() == rrsig.tag);
        // Of equals first those that K-04 has verified already.
        let (first, then): (Vec<&Rrsig>, Vec<&Rrsig>) = signed
            .signatures
            .iter()
            .filter(|rrsig| rrsig.covers(self.now))
            .partition(|rrsig| is_anchored(rrsig));
        let mut newest: Option<u32> = None;
        for rrsig in first.into_iter().chain(then) {
            let is_newer = newest.is_none_or(|newest| serial_lt(newest, rrsig.inception));
            let mut keys = chain.keys.iter();
            if is_newer && keys.any(|key| self.verifier.made_by(&signed.set, rrsig, key)) {
                newest = Some(rrsig.inception);
            }
        }
        newest
    }

    /// What was accepted from this server before: from the same server, since signers date their
    /// signatures and count their serials independently.
    pub fn guard(&self, server: &Server) -> Guard {
        let guards = &self.gathered.state.guards;
        if self.policy.has(Sabotage::StatePerChild) {
            let newest = |field: fn(&Guard) -> Option<u32>| guards.values().filter_map(field).max();
            return Guard {
                hosts: server.hosts.clone(),
                cds: newest(|guard| guard.cds),
                cdnskey: newest(|guard| guard.cdnskey),
                csync: newest(|guard| guard.csync),
                soa: newest(|guard| guard.soa),
            };
        }
        let known = server.address.and_then(|address| guards.get(&address));
        known.cloned().unwrap_or_default()
    }

    /// CDS and CDNSKEY RRsets as served, with the positions of their servers.
    pub fn signals(&self) -> Vec<(usize, &'a Server, &'a SignedRrSet)> {
        let mut signals = Vec::new();
        for (at, server) in self.servers() {
            for answer in [&server.cds, &server.cdnskey] {
                if let Some(signed) = answer.present() {
                    signals.push((at, server, signed));
                }
            }
        }
        signals
    }
}

/// Evidence: who, what.
pub fn line(server: &Server, what: impl std::fmt::Display) -> String {
    format!("{server}: {what}")
}

/// Whether it is one of the address types.
pub fn is_address(rtype: RecordType) -> bool {
    matches!(rtype, RecordType::A | RecordType::AAAA)
}
