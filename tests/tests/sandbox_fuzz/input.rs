//! Random inputs: streams of tokens, and changed bodies.

use blaxel_tests::random::Random;
use bytes::Bytes;

/// The units of which inputs of a format are made.
pub struct Format {
    /// Parts of bodies.
    pub tokens: Vec<Vec<u8>>,
    /// Whole bodies, as servers send them.
    pub seeds: Vec<Vec<u8>>,
}

/// An input of a target.
#[derive(Clone, Debug)]
pub struct Input {
    pub bytes: Bytes,
    /// The places where the body is cut, in ascending order.
    pub cuts: Vec<usize>,
    /// A choice of the target.
    pub flags: usize,
}

impl Input {
    /// Returns the same input in one chunk.
    pub fn whole(&self) -> Self {
        Self {
            cuts: Vec::new(),
            ..self.clone()
        }
    }

    pub fn chunks(&self) -> Vec<Bytes> {
        let mut start = 0;
        let ends = self.cuts.iter().copied().chain([self.bytes.len()]);
        let mut chunks: Vec<Bytes> = ends
            .map(|end| {
                let chunk = self.bytes.slice(start..end);
                start = end;
                chunk
            })
            .collect();
        chunks.retain(|chunk| !chunk.is_empty());
        chunks
    }
}

impl Format {
    pub fn new(tokens: &[&[u8]], seeds: &[&[u8]]) -> Self {
        let owned = |texts: &[&[u8]]| texts.iter().map(|text| text.to_vec()).collect();
        Self {
            tokens: owned(tokens),
            seeds: owned(seeds),
        }
    }

    /// Makes an input: tokens, or a seed, and then some changes.
    pub fn input(&self, random: &mut Random) -> Input {
        let mut body = Vec::new();
        if self.seeds.is_empty() || random.below(3) > 0 {
            for _ in 0..random.below(24) {
                body.extend_from_slice(&self.tokens[random.below(self.tokens.len())]);
            }
        } else {
            body.extend_from_slice(&self.seeds[random.below(self.seeds.len())]);
        }
        for _ in 0..random.below(8).saturating_sub(3) {
            self.change(random, &mut body);
        }
        let mut cuts: Vec<usize> = (0..random.below(8))
            .map(|_| random.below(body.len() + 1))
            .collect();
        if random.below(8) == 0 {
            cuts = (0..body.len()).collect();
        }
        cuts.sort_unstable();
        Input {
            bytes: body.into(),
            cuts,
            flags: random.below(1 << 16),
        }
    }

    /// Replaces a byte, removes or repeats a part, inserts a token, or cuts the body.
    fn change(&self, random: &mut Random, body: &mut Vec<u8>) {
        let at = random.below(body.len() + 1);
        let end = (at + random.below(40)).min(body.len());
        match random.below(6) {
            0 if at < body.len() => body[at] = random.below(256) as u8,
            1 => drop(body.drain(at..end)),
            2 => {
                let copy = body[at..end].to_vec();
                body.splice(at..at, copy);
            }
            3 => body.truncate(at),
            _ => {
                let token = self.tokens[random.below(self.tokens.len())].clone();
                body.splice(at..at, token);
            }
        }
    }
}
