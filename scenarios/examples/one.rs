//! scratch
fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        match counterpoint_scenarios::load::load(&path, &text) {
            Ok(s) => {
                let o = counterpoint_scenarios::run::run(&s);
                println!(
                    "{path}: {:?} {:?} err {:?}",
                    o.verdict, o.virtual_time, o.internal_error
                );
                for v in &o.violations {
                    println!(
                        "  {:?} {} {:?} {:?}..{:?} margin {:?} {}",
                        v.property, v.profile, v.quantifier, v.from, v.until, v.margin, v.witness
                    );
                }
                for p in &o.processes {
                    println!("  {} {} {:?} {:?}", p.zone, p.process, p.outcome, p.ended);
                    for s in &p.steps {
                        println!(
                            "     {} {:?} {:?} slack {:?}",
                            s.name, s.from, s.until, s.slack
                        );
                    }
                }
                println!(
                    "  {:?}\n  {:?}\n {:?} {:?}",
                    o.reasons, o.notes, o.delegated_to, o.warnings
                );
                if std::env::var("LOG").is_ok() {
                    for l in &o.event_log {
                        println!("{l}");
                    }
                }
            }
            Err(e) => println!("{path}: {} errors: {:?}", e.len(), e.first()),
        }
    }
}
