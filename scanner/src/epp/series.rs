//! The commands of one change, one after the other, and what becomes of the change.

use super::{
    code::Meaning,
    command::Command,
    session::{Line, Session},
};
use crate::apply::Sent;

/// One after the other. What came before the domain is taken back if that is refused.
pub fn carry_out<L: Line>(session: &mut Session<L>, commands: &[Command]) -> Sent {
    let mut done: Vec<&Command> = Vec::new();
    let mut pending = None;
    for command in commands {
        let title = command.title();
        let answer = match session.ask(command) {
            Ok(answer) => answer,
            Err(trouble) => return Sent::Unknown(format!("{title}: {trouble}")),
        };
        let why = format!("{title}: {answer}");
        let sent = match answer.meaning() {
            Meaning::Done => {
                done.push(command);
                continue;
            }
            Meaning::Pending => {
                pending = Some(why);
                done.push(command);
                continue;
            }
            // After the domain: nobody needs what is left, and whoever looks will see it.
            _ if done
                .iter()
                .any(|done| matches!(done, Command::DomainUpdate(_))) =>
            {
                return Sent::Unknown(why);
            }
            Meaning::NotAsSeen => Sent::NotAsSeen(why),
            Meaning::Refused | Meaning::Failed => Sent::Refused(why),
            Meaning::Stop => return Sent::Stop(why),
        };
        for undone in done.iter().rev().filter_map(|done| undoes(done)) {
            // If it does not work, what is there is one more host or address that nobody needs.
            let _ = session.ask(&undone);
        }
        return sent;
    }
    pending.map_or(Sent::Done, Sent::Pending)
}

/// The command that takes back one that was carried out before the domain's.
fn undoes(command: &Command) -> Option<Command> {
    match command {
        Command::HostCreate(name, _) => Some(Command::HostDelete(name.clone())),
        Command::HostUpdate(update) => {
            let mut back = update.clone();
            std::mem::swap(&mut back.add, &mut back.remove);
            Some(Command::HostUpdate(back))
        }
        _ => None,
    }
}
