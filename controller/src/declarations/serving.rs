//! How the controller is asked over the network, and by whom: `[serve]` and `[[token]]`.
//!
//! Of a token the file holds the SHA-256 alone. That is enough for 256 bits that nobody chose: they cannot
//! be guessed, so that a slow hash would only slow down who may ask.

use std::{fmt, net::SocketAddr, path::PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::digest::{SHA256, digest};

use super::{
    BadDeclaration,
    check::{Check, beside},
    tables::{AnonymousText, RoleText, ServeTable, TokenTable},
};
use crate::api::Role;

/// How the controller is asked over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// The file with its certificate, and those above it, in PEM.
    pub certificate: PathBuf,
    /// The file with the key of that, in PEM.
    pub key: PathBuf,
    /// The file with the authorities of which every caller must show a certificate, in PEM.
    pub client_ca: Option<PathBuf>,
    /// Whether anything is shown without a token.
    pub is_open: bool,
}

/// Who may ask for what.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name, which the log shows.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What is kept of it.
    sha256: [u8; 32],
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} {})", self.name, self.role.name())
    }
}

impl Token {
    /// Whether `text` is it. As long for any text.
    pub fn is(&self, text: &str) -> bool {
        let hash = digest(&SHA256, text.as_bytes());
        let pairs = hash.as_ref().iter().zip(&self.sha256);
        pairs.fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
    }

    /// What is kept of a token, in hexadecimal.
    pub fn hash(text: &str) -> String {
        HEXLOWER_PERMISSIVE.encode(digest(&SHA256, text.as_bytes()).as_ref())
    }
}

impl Check<'_> {
    /// How it is asked.
    pub(super) fn serving(&self, table: &ServeTable) -> Serving {
        Serving {
            listen: table.listen.clone(),
            certificate: beside(self.path, &table.certificate),
            key: beside(self.path, &table.key),
            client_ca: table.client_ca.as_ref().map(|file| beside(self.path, file)),
            is_open: table.anonymous == AnonymousText::Read,
        }
    }

    /// Who may ask.
    pub(super) fn tokens(&self, tables: &[TokenTable]) -> Result<Vec<Token>, BadDeclaration> {
        let mut tokens: Vec<Token> = Vec::new();
        for table in tables {
            let name = self.label(&table.name)?;
            if tokens.iter().any(|token| token.name == name) {
                return Err(self.twice(table.name.span(), name));
            }
            let hash = HEXLOWER_PERMISSIVE
                .decode(table.sha256.get_ref().as_bytes())
                .ok();
            let hash = hash.and_then(|octets| <[u8; 32]>::try_from(octets).ok());
            let sha256 = hash.ok_or_else(|| {
                let what = "expected the SHA-256 of a token: 64 hexadecimal digits";
                let remedy = "take this table out, and make a new one with `token add`";
                self.bad(table.sha256.span(), what, remedy)
            })?;
            let role = match table.role {
                RoleText::Read => Role::Read,
                RoleText::Operate => Role::Operate,
                RoleText::Admin => Role::Admin,
            };
            tokens.push(Token {
                name: name.into(),
                role,
                sha256,
            });
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash() {
        let hash = Token::hash("abc");
        // FIPS 180-4, appendix B.1.
        assert!(hash.starts_with("ba7816bf8f01cfea"), "{hash}");
        let sha256 = HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).unwrap();
        let token = Token {
            name: "n".into(),
            role: Role::Read,
            sha256: sha256.try_into().unwrap(),
        };
        assert!(token.is("abc") && !token.is("abd") && !token.is(""));
        assert!(!format!("{token:?}").contains("ba78"));
    }
}
