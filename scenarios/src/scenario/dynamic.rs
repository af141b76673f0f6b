//! Answers that depend on who asks, or when (draft-huque-dnsop-multi-provider-dnssec §2.1).

use std::fmt;

use super::{
    setting::{Setting, quote},
    zone::Record,
};
use crate::load::reader::Field;

/// What an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The address of who asks.
    Resolver,
    /// The time: each answer is given for as long as its TTL, in turn.
    Time,
}

impl By {
    const fn name(self) -> &'static str {
        match self {
            Self::Resolver => "by-resolver",
            Self::Time => "by-time",
        }
    }
}

/// One name and type with several answers, each of one record: `geo 30 A by-resolver 192.0.2.10 192.0.2.11`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynamic {
    /// What the choice depends on.
    pub by: By,
    /// The answers: all of one owner, TTL and type.
    pub answers: Vec<Record>,
}

const SHAPE: &str = "expected \"owner [ttl] type by-resolver|by-time data data\", as \"geo 30 A by-resolver 192.0.2.10 192.0.2.11\"";

impl Dynamic {
    /// Parses it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let found = [By::Resolver, By::Time].into_iter().find_map(|by| {
            let at = words.iter().position(|word| *word == by.name())?;
            Some((by, at))
        });
        let (by, at) = found.ok_or("it says neither `by-resolver` nor `by-time`")?;
        let head = words[..at].join(" ");
        let answers = words[at + 1..].iter();
        let answers: Vec<Record> = answers
            .map(|data| Record::parse(&format!("{head} {data}")))
            .collect::<Result<_, _>>()?;
        match answers.len() {
            0 | 1 => Err("there is nothing to choose: it has less than two answers".into()),
            _ => Ok(Self { by, answers }),
        }
    }
}

impl fmt::Display for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, answer) in self.answers.iter().enumerate() {
            // Each prints as `owner ttl type data`, in which the data is the last word.
            let text = answer.to_string();
            let (head, data) = text.rsplit_once(' ').unwrap_or(("", &text));
            match index {
                0 => write!(f, "{head} {} {data}", self.by.name())?,
                _ => write!(f, " {data}")?,
            }
        }
        Ok(())
    }
}

impl Setting for Dynamic {
    fn read(field: &Field<'_>) -> Option<Self> {
        let text = field
            .text("an answer that is chosen, as \"geo 30 A by-resolver 192.0.2.10 192.0.2.11\"")?;
        match Self::parse(text) {
            Ok(dynamic) => Some(dynamic),
            Err(why) => field.fail(
                "bad-dynamic",
                format!("`{text}` chooses nothing: {why}"),
                |d| d.expected(SHAPE),
            ),
        }
    }

    fn print(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }

    fn words() -> Vec<&'static str> {
        [By::Resolver, By::Time].map(By::name).to_vec()
    }
}
