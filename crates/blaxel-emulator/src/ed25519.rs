//! Ed25519 signatures (RFC 8032), for tokens that others are to verify by a public key.
//!
//! The keys of an emulator guard nothing, so this goes for brevity: it takes no care to hide a key from
//! who measures the time that it takes.

use sha2::{Digest, Sha512};

/// A number modulo 2^255 - 19: sixteen digits of sixteen bits each, lowest first. Between two
/// multiplications the digits may be larger, or negative.
#[derive(Clone, Copy)]
struct Field([i64; 16]);

/// A point of the curve, as x, y, z and t with x/z, y/z and xy = tz.
#[derive(Clone, Copy)]
struct Point([Field; 4]);

const ZERO: Field = Field([0; 16]);
const ONE: Field = Field([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
/// Twice the constant d of the curve.
const D2: Field = Field([
    0xf159, 0x26b2, 0x9b94, 0xebd6, 0xb156, 0x8283, 0x149a, 0x00e0, 0xd130, 0xeef3, 0x80f2, 0x198e,
    0xfce7, 0x56df, 0xd9dc, 0x2406,
]);
/// The base point.
const BASE_X: Field = Field([
    0xd51a, 0x8f25, 0x2d60, 0xc956, 0xa7b2, 0x9525, 0xc760, 0x692c, 0xdc5c, 0xfdd6, 0xe231, 0xc0a4,
    0x53fe, 0xcd6e, 0x36d3, 0x2169,
]);
const BASE_Y: Field = Field([
    0x6658, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666,
    0x6666, 0x6666, 0x6666, 0x6666,
]);
/// The order of the base point, lowest byte first.
const ORDER: [i64; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

impl Field {
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    fn subtract(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    fn multiply(self, other: Self) -> Self {
        let mut wide = [0; 31];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                wide[i + j] += a * b;
            }
        }
        // What is above 2^256 counts 38 times below it.
        for i in 0..15 {
            wide[i] += 38 * wide[i + 16];
        }
        let product = Self(std::array::from_fn(|i| wide[i]));
        product.carried().carried()
    }

    /// The same number with smaller digits.
    fn carried(mut self) -> Self {
        for i in 0..16 {
            let carry = self.0[i] >> 16;
            self.0[i] -= carry << 16;
            if i < 15 {
                self.0[i + 1] += carry;
            } else {
                self.0[0] += 38 * carry;
            }
        }
        self
    }

    /// One divided by the number, as its power by 2^255 - 21.
    fn inverted(self) -> Self {
        let mut power = self;
        for bit in (0..254).rev() {
            power = power.multiply(power);
            if bit != 2 && bit != 4 {
                power = power.multiply(self);
            }
        }
        power
    }

    /// The number as it is written, below 2^255 - 19.
    fn bytes(self) -> [u8; 32] {
        let mut digits = self.carried().carried().carried().0;
        for _ in 0..2 {
            let mut less = [0; 16];
            let mut borrow = 0;
            for i in 0..16 {
                let prime = match i {
                    0 => 0xffed,
                    15 => 0x7fff,
                    _ => 0xffff,
                };
                let difference = digits[i] - prime - borrow;
                borrow = i64::from(difference < 0);
                less[i] = difference & 0xffff;
            }
            if borrow == 0 {
                digits = less;
            }
        }
        std::array::from_fn(|i| (digits[i / 2] >> (8 * (i % 2))) as u8)
    }
}

impl Point {
    fn add(self, other: Self) -> Self {
        let ([x1, y1, z1, t1], [x2, y2, z2, t2]) = (self.0, other.0);
        let a = y1.subtract(x1).multiply(y2.subtract(x2));
        let b = x1.add(y1).multiply(x2.add(y2));
        let c = t1.multiply(t2).multiply(D2);
        let d = z1.multiply(z2);
        let d = d.add(d);
        let (e, f, g, h) = (b.subtract(a), d.subtract(c), d.add(c), b.add(a));
        Self([e.multiply(f), h.multiply(g), g.multiply(f), e.multiply(h)])
    }

    /// The base point, added up so many times.
    fn base(times: &[u8; 32]) -> Self {
        let mut sum = Self([ZERO, ONE, ONE, ZERO]);
        let mut power = Self([BASE_X, BASE_Y, ONE, BASE_X.multiply(BASE_Y)]);
        for bit in 0..256 {
            if times[bit / 8] >> (bit % 8) & 1 == 1 {
                sum = sum.add(power);
            }
            power = power.add(power);
        }
        sum
    }

    fn bytes(self) -> [u8; 32] {
        let [x, y, z, _] = self.0;
        let inverse = z.inverted();
        let mut bytes = y.multiply(inverse).bytes();
        bytes[31] ^= x.multiply(inverse).bytes()[0] << 7;
        bytes
    }
}

/// A number of 64 bytes, lowest first, modulo the order of the base point.
fn modulo_order(mut digits: [i64; 64]) -> [u8; 32] {
    for i in (32..64).rev() {
        let mut carry = 0;
        for j in i - 32..i - 12 {
            digits[j] += carry - 16 * digits[i] * ORDER[j - (i - 32)];
            carry = (digits[j] + 128) >> 8;
            digits[j] -= carry << 8;
        }
        digits[i - 12] += carry;
        digits[i] = 0;
    }
    let (top, mut carry) = (digits[31] >> 4, 0);
    for j in 0..32 {
        digits[j] += carry - top * ORDER[j];
        carry = digits[j] >> 8;
        digits[j] &= 0xff;
    }
    for j in 0..32 {
        digits[j] -= carry * ORDER[j];
    }
    for j in 0..32 {
        digits[j + 1] += digits[j] >> 8;
    }
    std::array::from_fn(|i| (digits[i] & 0xff) as u8)
}

/// The digest of some parts, as a number modulo the order of the base point.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha512::new();
    for part in parts {
        digest.update(part);
    }
    let digest: [u8; 64] = digest.finalize().into();
    modulo_order(digest.map(i64::from))
}

/// A pair of keys.
pub(crate) struct Pair {
    secret: [u8; 32],
    prefix: [u8; 32],
    public: [u8; 32],
}

impl Pair {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let expanded: [u8; 64] = Sha512::digest(seed).into();
        let mut secret: [u8; 32] = std::array::from_fn(|i| expanded[i]);
        secret[0] &= 0xf8;
        secret[31] = secret[31] & 0x7f | 0x40;
        Self {
            secret,
            prefix: std::array::from_fn(|i| expanded[32 + i]),
            public: Point::base(&secret).bytes(),
        }
    }

    /// The public key.
    pub(crate) fn public(&self) -> &[u8; 32] {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let nonce = digest(&[&self.prefix, message]);
        let commitment = Point::base(&nonce).bytes();
        let challenge = digest(&[&commitment, &self.public, message]);
        let mut sum = [0; 64];
        for (i, byte) in nonce.iter().enumerate() {
            sum[i] = i64::from(*byte);
        }
        for (i, a) in challenge.iter().enumerate() {
            for (j, b) in self.secret.iter().enumerate() {
                sum[i + j] += i64::from(*a) * i64::from(*b);
            }
        }
        let response = modulo_order(sum);
        std::array::from_fn(|i| {
            if i < 32 {
                commitment[i]
            } else {
                response[i - 32]
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    /// The test vectors of RFC 8032, section 7.1.
    #[test]
    fn signatures_are_those_of_the_standard() {
        for (seed, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let pair = Pair::new(bytes(seed));
            assert_eq!(pair.public(), &bytes(public));
            let message: Vec<u8> = (0..message.len() / 2)
                .map(|i| u8::from_str_radix(&message[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            assert_eq!(pair.sign(&message), bytes(signature));
        }
    }
}
