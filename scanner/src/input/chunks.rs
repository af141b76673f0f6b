//! Cuts a master file (RFC 1035 §5.1) into chunks that end between records, however long it is.
//!
//! Knows parentheses, quotes, comments and escapes, and nothing of what records mean.

use std::io::{self, BufRead};

/// A chunk is cut at the first end of a record beyond this.
const OCTETS: usize = 256 << 10;
/// No record is longer than this: whoever writes one has left a quote or a parenthesis open.
pub const RECORD_OCTETS_MAX: usize = 4 << 20;

/// Why no further chunk can be cut.
#[derive(Debug)]
pub enum NoChunk {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// The record that begins on this line does not end.
    Endless(u64),
}

/// A master file, chunk by chunk.
pub struct Chunks<R> {
    file: R,
    line: u64,
    record_line: u64,
    parentheses: u32,
    quoted: bool,
    comment: bool,
    escaped: bool,
}

impl<R: BufRead> Chunks<R> {
    /// All of `file`.
    pub fn new(file: R) -> Self {
        Self {
            file,
            line: 1,
            record_line: 1,
            parentheses: 0,
            quoted: false,
            comment: false,
            escaped: false,
        }
    }

    /// The next chunk: whole records, a line feed at the end; nothing at the end of the file.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, NoChunk> {
        let mut chunk = Vec::with_capacity(OCTETS + 4_096);
        let mut record_start = 0;
        loop {
            let piece = match self.file.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(NoChunk::Unreadable(error)),
            };
            if piece.is_empty() {
                break;
            }
            let before = chunk.len();
            let mut used = piece.len();
            let mut is_full = false;
            for (index, octet) in piece.iter().enumerate() {
                let ends_record = step(
                    *octet,
                    &mut self.parentheses,
                    &mut self.quoted,
                    &mut self.comment,
                    &mut self.escaped,
                );
                self.line += u64::from(*octet == b'\n');
                if ends_record {
                    record_start = before + index + 1;
                    self.record_line = self.line;
                    if record_start >= OCTETS {
                        used = index + 1;
                        is_full = true;
                        break;
                    }
                }
            }
            chunk.extend_from_slice(&piece[..used]);
            self.file.consume(used);
            if is_full {
                return Ok(Some(chunk));
            }
            if chunk.len() - record_start > RECORD_OCTETS_MAX {
                return Err(NoChunk::Endless(self.record_line));
            }
        }
        if self.parentheses > 0 || self.quoted {
            return Err(NoChunk::Endless(self.record_line));
        }
        if chunk.is_empty() {
            return Ok(None);
        }
        if chunk.last() != Some(&b'\n') {
            chunk.push(b'\n');
        }
        Ok(Some(chunk))
    }
}

/// Takes one octet; whether a record may end here.
fn step(
    octet: u8,
    parentheses: &mut u32,
    quoted: &mut bool,
    comment: &mut bool,
    escaped: &mut bool,
) -> bool {
    if std::mem::take(escaped) && octet != b'\n' {
        return false;
    }
    match octet {
        b'\n' => {
            *comment = false;
            return *parentheses == 0 && !*quoted;
        }
        _ if *comment => {}
        b'\\' => *escaped = true,
        b'"' => *quoted = !*quoted,
        _ if *quoted => {}
        b';' => *comment = true,
        b'(' => *parentheses += 1,
        b')' => *parentheses = parentheses.saturating_sub(1),
        _ => {}
    }
    false
}
