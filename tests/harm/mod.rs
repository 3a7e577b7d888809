//! What may happen to the bytes of a file on their way.

use proptest::prelude::*;

/// What was done to a file.
#[derive(Clone, Debug)]
pub enum Harm {
    Flip { at: f64, bits: u8 },
    Cut { at: f64 },
    Remove { at: f64, length: usize },
    Repeat { at: f64, length: usize, to: f64 },
    Zero { at: f64, length: usize },
}

/// Any of them.
pub fn harm() -> impl Strategy<Value = Harm> {
    let (at, length) = (0.0..1.0_f64, 1..300_usize);
    prop_oneof![
        4 => (at.clone(), 1..=255_u8).prop_map(|(at, bits)| Harm::Flip { at, bits }),
        1 => at.clone().prop_map(|at| Harm::Cut { at }),
        2 => (at.clone(), length.clone()).prop_map(|(at, length)| Harm::Remove { at, length }),
        2 => (at.clone(), length.clone(), at.clone()).prop_map(|(at, length, to)| Harm::Repeat { at, length, to }),
        1 => (at, length).prop_map(|(at, length)| Harm::Zero { at, length }),
    ]
}

impl Harm {
    /// Does it to what follows the header.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: f64, bytes: &[u8]| 16 + ((bytes.len() - 16) as f64 * at) as usize;
        match *self {
            _ if bytes.len() == 16 => {}
            Self::Flip { at, bits } => {
                let at = place(at, bytes);
                bytes[at] ^= bits;
            }
            Self::Cut { at } => bytes.truncate(place(at, bytes)),
            Self::Remove { at, length } => {
                let at = place(at, bytes);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Self::Repeat { at, length, to } => {
                // What comes before its time takes the place of what it comes before.
                let (at, to) = (place(at.min(to), bytes), place(at.max(to), bytes));
                let again = bytes[at..bytes.len().min(at + length)].to_vec();
                bytes.splice(to..to, again);
            }
            Self::Zero { at, length } => {
                let at = place(at, bytes);
                let end = bytes.len().min(at + length);
                bytes[at..end].fill(0);
            }
        }
    }
}
