//! What can go: whole elements first, then settings one by one.

use counterpoint_dns::name::Name;

use super::Shrinker;
use crate::scenario::{
    Controller, Expect, Judge, Parent, Resolver, Scanner, Scenario, Servers, Signer, Target, What,
};

impl Shrinker<'_> {
    pub(super) fn drop(&mut self) {
        self.try_with(|scenario| {
            scenario.expect = Expect::default();
            scenario.title.clear();
            scenario.source.clear();
        });
        self.elements(|scenario| &mut scenario.events);
        self.elements(|scenario| &mut scenario.faults);
        self.zones();
        self.signers();
        self.groups();
        self.elements(|scenario| &mut scenario.resolvers);
        self.elements(|scenario| &mut scenario.scanner.sabotage);
        self.elements(|scenario| &mut scenario.controller.sabotage);
        self.elements(|scenario| &mut scenario.judge.profiles);
        self.replaces();
        self.settings();
    }

    /// Drops elements of a list, half of it at a time, then fewer, from the end.
    fn elements<T: Clone>(&mut self, list: impl Fn(&mut Scenario) -> &mut Vec<T>) {
        let mut size = list(&mut self.shrunk.scenario.clone()).len().div_ceil(2);
        while size > 0 {
            let mut end = list(&mut self.shrunk.scenario.clone()).len();
            while end > 0 {
                let begin = end.saturating_sub(size);
                self.try_with(|scenario| {
                    list(scenario).drain(begin..end);
                });
                end = begin;
            }
            size /= 2;
        }
    }

    fn zones(&mut self) {
        for index in (0..self.shrunk.scenario.zones.len()).rev() {
            self.try_with(|scenario| {
                let zone = scenario.zones.remove(index);
                scenario
                    .events
                    .retain(|event| !event.what.has_zone() || event.zone != zone.name);
            });
        }
        for zone in 0..self.shrunk.scenario.zones.len() {
            self.elements(|scenario| &mut scenario.zones[zone].records);
        }
    }

    /// Drops a signer with all that mentions it, or at least from a zone.
    fn signers(&mut self) {
        for index in (0..self.shrunk.scenario.signers.len()).rev() {
            let Some(name) = self
                .shrunk
                .scenario
                .signers
                .get(index)
                .map(|s| s.name.clone())
            else {
                continue;
            };
            let is_gone = self.try_with(|scenario| {
                scenario.signers.remove(index);
                scenario
                    .events
                    .retain(|event| !mentions(&event.what, &name));
                scenario.faults.retain(|fault| !is_of(&fault.target, &name));
                without(scenario, &name);
            });
            if !is_gone {
                self.try_with(|scenario| without(scenario, &name));
            }
        }
    }

    /// A group's signers become its zones' own.
    fn groups(&mut self) {
        self.try_with(|scenario| {
            for zone in &mut scenario.zones {
                zone.group = None;
            }
            scenario.groups.clear();
            let zone = scenario
                .zones
                .first()
                .map_or_else(Name::root, |zone| zone.name.clone());
            for event in &mut scenario.events {
                let plain = match &event.what {
                    What::GroupAdd { signer, .. } => What::Join {
                        signer: signer.clone(),
                    },
                    What::GroupRemove { signer, .. } => What::Leave {
                        signer: signer.clone(),
                        dead: false,
                    },
                    _ => continue,
                };
                event.what = plain;
                event.zone = zone.clone();
            }
        });
    }

    /// Half a replacement may do.
    fn replaces(&mut self) {
        for index in 0..self.shrunk.scenario.events.len() {
            let What::Replace { from, to } = self.shrunk.scenario.events[index].what.clone() else {
                continue;
            };
            let join = What::Join { signer: to };
            let leave = What::Leave {
                signer: from,
                dead: false,
            };
            let _ = self.try_with(|scenario| scenario.events[index].what = join)
                || self.try_with(|scenario| scenario.events[index].what = leave);
        }
    }

    /// Whole tables back to their defaults, then value by value.
    fn settings(&mut self) {
        let sabotage = self.shrunk.scenario.controller.sabotage.clone();
        let guard = self.shrunk.scenario.controller.guard;
        let scanner_sabotage = self.shrunk.scenario.scanner.sabotage.clone();
        self.try_with(|s| s.seed = 1);
        self.try_with(|s| {
            s.parent = Parent {
                zone: s.parent.zone.clone(),
                ..Parent::default()
            }
        });
        self.try_with(|s| {
            s.scanner = Scanner {
                sabotage: scanner_sabotage,
                ..Scanner::default()
            }
        });
        self.try_with(|s| {
            s.controller = Controller {
                sabotage,
                guard,
                ..Controller::default()
            }
        });
        self.try_with(|s| s.judge = Judge::default());
        self.try_with(|s| s.resolvers = Resolver::usual());
        macro_rules! defaults {
            ($table:ident : $Type:ty => $($field:ident),*) => {
                $(self.try_with(|s| s.$table.$field = <$Type>::default().$field);)*
            };
        }
        defaults!(parent: Parent => servers, algorithm, denial, ds_ttl, ns_ttl, negative_ttl, propagation);
        defaults!(scanner: Scanner => interval, publish_delay, retry, continuity, notify, bootstrap);
        defaults!(controller: Controller => poll, safety, parent_settle, cds_after);
        for index in 0..self.shrunk.scenario.signers.len() {
            let named = |s: &Scenario| Signer::named(s.signers[index].name.clone());
            self.try_with(|s| s.signers[index] = named(s));
            macro_rules! signer_defaults {
                ($($field:ident),*) => {
                    $(self.try_with(|s| s.signers[index].$field = Signer::default().$field);)*
                };
            }
            signer_defaults!(
                servers,
                names_in,
                signal,
                interface,
                limits,
                keys,
                algorithm,
                denial,
                nsec3,
                hsm,
                dnskey_ttl,
                ns_ttl,
                default_ttl,
                max_ttl,
                negative_ttl,
                propagation,
                signature_validity,
                resign_before,
                resign_jitter
            );
            if self.shrunk.scenario.signers[index].servers.count() > 2 {
                self.try_with(|s| s.signers[index].servers = Servers::Count(1));
            }
        }
        for index in 0..self.shrunk.scenario.resolvers.len() {
            self.try_with(|s| {
                let (name, profile) = (s.resolvers[index].name.clone(), s.resolvers[index].profile);
                s.resolvers[index] = Resolver {
                    name,
                    profile,
                    ..Resolver::default()
                };
            });
        }
    }
}

/// Nobody's signer any more.
fn without(scenario: &mut Scenario, name: &str) {
    let lists = scenario.groups.iter_mut().map(|group| &mut group.signers);
    let lists = lists.chain(scenario.zones.iter_mut().map(|zone| &mut zone.signers));
    for list in lists {
        list.retain(|signer| signer != name);
    }
}

fn mentions(what: &What, name: &str) -> bool {
    what.signers().iter().any(|(_, signer)| *signer == name)
        || what
            .signer_lists()
            .iter()
            .any(|(_, list)| list.iter().any(|signer| signer == name))
}

fn is_of(target: &Target, name: &str) -> bool {
    match target {
        Target::Signer(signer) | Target::Instance(signer, _) => signer == name,
        Target::Between(a, b) => is_of(a, name) || is_of(b, name),
        _ => false,
    }
}
