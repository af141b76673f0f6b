//! Tokens: made here, told once, kept as a hash.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde_json::{Value, json};

use super::{
    arguments::{Common, Token, TokenRole},
    keeper,
};
use crate::{
    api::{Answer, Failure, Role, declared::edit},
    declarations::{BadDeclaration, Edit, Field, Token as Kept, beside},
    random,
};

/// Carries out a command about tokens.
pub(super) fn run(common: &Common, token: &Token) -> Result<Answer, Failure> {
    let mut keeper = keeper(common)?;
    match token {
        Token::List => {
            let tokens = &keeper.setup.declared.tokens;
            let lines = tokens
                .iter()
                .map(|token| format!("{}  role {}\n", token.name, token.role.name()));
            let text: String = lines.collect();
            let json = tokens
                .iter()
                .map(|token| json!({ "name": token.name, "role": token.role.name() }));
            let json: Vec<Value> = json.collect();
            let text = if text.is_empty() {
                "none\n".into()
            } else {
                text
            };
            Ok(Answer::fine(text, &json))
        }
        Token::Add { name, role, file } => {
            let role = match role {
                TokenRole::Read => Role::Read,
                TokenRole::Operate => Role::Operate,
                TokenRole::Admin => Role::Admin,
            };
            let file = match file {
                Some(file) => file.clone(),
                None => beside(&common.config, Path::new(&format!("{name}.token"))),
            };
            let token = random::token()?;
            let fields = vec![
                ("role", Field::Text(role.name().into())),
                ("sha256", Field::Text(Kept::hash(&token))),
            ];
            // First the file: a token of which only the hash is left is of no use.
            write_new(&file, &format!("{token}\n"))?;
            let added = edit(&mut keeper, "token", name, &Edit::Add(fields));
            let mut answer = added.inspect_err(|_| {
                // What is not declared opens nothing.
                let _ = std::fs::remove_file(&file);
            })?;
            answer.text.push_str(&format!(
                "the token is in {}; a controller that serves knows it after SIGHUP\n",
                file.display()
            ));
            Ok(answer)
        }
        Token::Remove { name } => {
            let mut answer = edit(&mut keeper, "token", name, &Edit::Remove)?;
            answer
                .text
                .push_str("a controller that serves refuses it after SIGHUP\n");
            Ok(answer)
        }
    }
}

/// A new file that nobody else may read.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| {
        let remedy = "name a file that is not there yet, in a directory that can be written";
        BadDeclaration::new(path.display(), error, remedy).into()
    })
}
