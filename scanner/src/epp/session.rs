//! A session with a registry, over any stream: greeting, login, commands one after the other, logout
//! (RFC 5730 §2).
//!
//! Owns the order, and which answer belongs to which command. It refuses to know sockets and time: a
//! stream that takes too long is to fail by itself.

use std::{
    fmt,
    io::{self, Read, Write},
};

use super::{
    answer::{Answer, BadAnswer, Greeting, answer, greeting},
    code::Meaning,
    command::{Command, DOMAIN, HOST, SEC_DNS, TTL},
    frame,
};

/// Why there is no answer to act upon.
#[derive(Debug)]
pub enum Trouble {
    /// The stream failed: whether the command was carried out is not known.
    Stream(io::Error),
    /// Something came that is no answer to it: whether it was carried out is not known.
    Nonsense(BadAnswer),
    /// The registry offers no such thing.
    NotOffered(&'static str),
    /// It let nobody in.
    NotAdmitted(Box<Answer>),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => write!(f, "the connection failed: {error}"),
            Self::Nonsense(bad) => bad.fmt(f),
            Self::NotOffered(uri) => write!(f, "the registry does not offer {uri}"),
            Self::NotAdmitted(answer) => write!(f, "the registry refused the login: {answer}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

impl From<BadAnswer> for Trouble {
    fn from(bad: BadAnswer) -> Self {
        Self::Nonsense(bad)
    }
}

/// A stream that is told when a command begins, so that it can bound the time of each.
pub trait Line: Read + Write {
    /// A command begins.
    fn begin(&mut self);
}

/// A session.
#[derive(Debug)]
pub struct Session<L> {
    line: L,
    greeting: Greeting,
    /// In front of every transaction identifier.
    prefix: String,
    count: u64,
}

impl<L: Line> Session<L> {
    /// Takes the greeting and logs in. `prefix` makes transaction identifiers unlike those of other
    /// sessions: 20 letters at most.
    pub fn open(
        mut line: L,
        prefix: &str,
        user: &str,
        password: &str,
        sets_ttls: bool,
    ) -> Result<Self, Trouble> {
        line.begin();
        let greeting = greeting(&frame::read(&mut line)?)?;
        let ttl = sets_ttls.then_some(TTL);
        let offered = |uri: &&'static str| !greeting.services.contains(*uri);
        let mut needed = [DOMAIN, HOST, SEC_DNS].into_iter().chain(ttl);
        if let Some(missing) = needed.find(offered) {
            return Err(Trouble::NotOffered(missing));
        }
        let mut session = Self {
            line,
            greeting,
            prefix: prefix.into(),
            count: 0,
        };
        let login = Command::Login {
            user: user.into(),
            password: password.into(),
            extensions: [SEC_DNS].into_iter().chain(ttl).collect(),
        };
        let answer = session.ask(&login)?;
        match answer.meaning() {
            Meaning::Done => Ok(session),
            _ => Err(Trouble::NotAdmitted(Box::new(answer))),
        }
    }

    /// The name of the server.
    pub fn server(&self) -> &str {
        &self.greeting.server
    }

    /// Asks, and takes the answer to just that.
    pub fn ask(&mut self, command: &Command) -> Result<Answer, Trouble> {
        self.count += 1;
        let transaction = format!("{}-{}", self.prefix, self.count);
        self.line.begin();
        frame::write(&mut self.line, &command.document(&transaction))?;
        let answer = answer(&frame::read(&mut self.line)?)?;
        match &answer.client_transaction {
            Some(theirs) if *theirs == transaction => Ok(answer),
            theirs => Err(BadAnswer(format!(
                "it answers transaction {}, not {transaction}",
                theirs.as_deref().unwrap_or("none")
            ))
            .into()),
        }
    }

    /// Logs out. Whatever comes of it, nothing depends on it.
    pub fn close(mut self) {
        let _ = self.ask(&Command::Logout);
    }
}
