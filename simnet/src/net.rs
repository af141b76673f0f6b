//! Where everybody is: a network of sixteen bits, in which each operator has eight.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// The first sixteen bits of every address of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Net([u8; 2]);

/// The bits that a network leaves to its hosts at least.
const HOST_BITS: u8 = 16;
/// The host of an operator's primary.
const PRIMARY: u8 = 250;

impl Net {
    /// The address of operator `operator`'s instance `instance`.
    pub fn instance(self, operator: usize, instance: usize) -> IpAddr {
        self.host(operator as u8, instance as u8 + 1)
    }

    /// The address of operator `operator`'s primary.
    pub fn primary(self, operator: usize) -> IpAddr {
        self.host(operator as u8, PRIMARY)
    }

    /// The address that ends like this.
    pub fn host(self, third: u8, fourth: u8) -> IpAddr {
        let [first, second] = self.0;
        Ipv4Addr::new(first, second, third, fourth).into()
    }
}

/// 127.66.0.0/16.
impl Default for Net {
    fn default() -> Self {
        Self([127, 66])
    }
}

/// As `127.66.0.0/16`.
impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host(0, 0), 32 - HOST_BITS)
    }
}

/// Why a text is no network for a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadNet {
    /// Not an IPv4 prefix.
    Unreadable,
    /// The prefix is longer than sixteen bits.
    TooSmall(u8),
}

impl fmt::Display for BadNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("not an IPv4 network such as 127.66.0.0/16"),
            Self::TooSmall(length) => write!(
                f,
                "too small: a /{length} leaves {} bits to hosts, and each operator takes 8 of {HOST_BITS}; \
                 name a /16 or a larger one",
                32 - length
            ),
        }
    }
}

impl std::error::Error for BadNet {}

/// Of a larger network the first /16.
impl FromStr for Net {
    type Err = BadNet;

    fn from_str(text: &str) -> Result<Self, BadNet> {
        let (address, length) = text.split_once('/').ok_or(BadNet::Unreadable)?;
        let address: Ipv4Addr = address.parse().map_err(|_| BadNet::Unreadable)?;
        let length: u8 = length.parse().map_err(|_| BadNet::Unreadable)?;
        match length {
            33.. => Err(BadNet::Unreadable),
            17.. => Err(BadNet::TooSmall(length)),
            _ => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                let [first, second, ..] = (u32::from(address) & mask).to_be_bytes();
                Ok(Self([first, second]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_is_read_as_it_is_printed_and_a_larger_one_is_its_first() {
        for (text, read) in [
            ("127.66.0.0/16", Ok("127.66.0.0/16")),
            ("127.67.3.9/16", Ok("127.67.0.0/16")),
            ("10.53.0.0/8", Ok("10.0.0.0/16")),
            ("0.0.0.0/0", Ok("0.0.0.0/16")),
            ("127.66.0.0/24", Err(BadNet::TooSmall(24))),
            ("127.66.0.0/33", Err(BadNet::Unreadable)),
            ("127.66.0.0", Err(BadNet::Unreadable)),
            ("fd00::/16", Err(BadNet::Unreadable)),
        ] {
            let net = text.parse().map(|net: Net| net.to_string());
            assert_eq!(net, read.map(String::from), "{text}");
        }
    }
}
