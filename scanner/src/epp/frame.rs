//! Frames on a stream: four octets of length, those four included, then a document (RFC 5734 §4).

use std::io::{self, Read, Write};

/// Octets of the length.
const HEAD: usize = 4;
/// Longer documents are refused before they are read.
pub const OCTETS_MAX: usize = 1 << 20;

/// Reads one document.
pub fn read(stream: &mut impl Read) -> io::Result<String> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head)?;
    let total = u32::from_be_bytes(head) as usize;
    let length = total.checked_sub(HEAD).filter(|length| *length > 0);
    let length = length.ok_or_else(|| bad(format!("a frame of {total} octets")))?;
    if length > OCTETS_MAX {
        return Err(bad(format!(
            "a frame of {total} octets, and {OCTETS_MAX} may be"
        )));
    }
    let mut octets = vec![0; length];
    stream.read_exact(&mut octets)?;
    String::from_utf8(octets).map_err(|_| bad("a document that is not UTF-8".into()))
}

/// Writes one document.
pub fn write(stream: &mut impl Write, document: &str) -> io::Result<()> {
    let total = document.len() + HEAD;
    let head = u32::try_from(total).ok();
    let head = head.filter(|_| document.len() <= OCTETS_MAX);
    let head = head.ok_or_else(|| bad(format!("a document of {} octets", document.len())))?;
    stream.write_all(&[&head.to_be_bytes(), document.as_bytes()].concat())?;
    stream.flush()
}

fn bad(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_lengths_are_looked_at_first() {
        let mut octets = Vec::new();
        write(&mut octets, "<é/>").unwrap();
        assert_eq!(octets[..4], [0, 0, 0, 9]);
        assert_eq!(read(&mut &*octets).unwrap(), "<é/>");
        for (head, why) in [
            ([0, 0, 0, 4], "a frame of 4"),
            ([0, 0, 0, 0], "a frame of 0"),
            ([0xff; 4], "a frame of 4294967295"),
        ] {
            let error = read(&mut &head[..]).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(read(&mut &octets[..8]).is_err(), "it ends too early");
        assert!(read(&mut &[0, 0, 0, 5, 0xff][..]).is_err(), "not UTF-8");
    }
}
