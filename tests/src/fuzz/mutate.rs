//! Mutations of octets by a seed: what a fuzzer does, on any toolchain, the same each time.

use rand::RngExt as _;

use counterpoint_dns::stream::{Stream, stream};

/// Longer inputs are cut.
const OCTETS_MAX: usize = 1 << 16;
/// Octets that parsers treat in some special way: bounds of lengths, pointers, quotes, line ends.
const SPECIAL: [u8; 18] = [
    0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff, b'\n', b'\r', b'"', b'\\', b'(', b'<', b'&', b'{',
    b';', b'.',
];

/// Makes inputs of a corpus, for ever.
pub struct Mutator<'a> {
    stream: Stream,
    corpus: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    /// The same seed and corpus, the same inputs.
    pub fn new(seed: u64, corpus: &'a [Vec<u8>]) -> Self {
        let stream = stream(seed, "mutator");
        Self { stream, corpus }
    }

    fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => self.stream.random_range(0..end),
        }
    }

    fn seed(&mut self) -> &'a [u8] {
        let at = self.below(self.corpus.len());
        self.corpus.get(at).map_or(&[], Vec::as_slice)
    }

    /// The next input: one of the corpus, changed in one to eight ways.
    pub fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input.truncate(OCTETS_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let length = self.below(16).min(input.len() - at.min(input.len()));
        match self.below(8) {
            0 => {
                if let Some(octet) = input.get_mut(at) {
                    *octet ^= 1 << self.stream.random_range(0..8);
                }
            }
            1 => {
                let special = SPECIAL[self.below(SPECIAL.len())];
                if let Some(octet) = input.get_mut(at) {
                    *octet = special;
                }
            }
            2 => {
                let special = SPECIAL[self.below(SPECIAL.len())];
                input.insert(at.min(input.len()), special);
            }
            3 => drop(input.drain(at..at + length)),
            4 => {
                // Said again, once or very often.
                let piece = input[at..at + length].to_vec();
                let times = if self.below(8) == 0 { 200 } else { 1 };
                let pieces = piece.repeat(times);
                input.splice(at..at, pieces);
            }
            5 => input.truncate(at),
            6 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend(&other[from..]);
            }
            _ => {
                for octet in input.iter_mut().skip(at).take(length) {
                    *octet = self.stream.random();
                }
            }
        }
    }
}
