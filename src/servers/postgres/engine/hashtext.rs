//! `hashtext`: Bob Jenkins' lookup3 as Postgres has it in `hashfn.c`, for little-endian machines.

const GOLDEN: u32 = 0x9e37_79b9;

/// The hash of a text.
pub(super) fn hashtext(text: &str) -> i32 {
    let key = text.as_bytes();
    let start = GOLDEN.wrapping_add(key.len() as u32).wrapping_add(3_923_095);
    let mut state = [start; 3];
    let mut chunks = key.chunks_exact(12);
    for chunk in &mut chunks {
        for (place, word) in chunk.chunks_exact(4).enumerate() {
            let word = word.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
            state[place] = state[place].wrapping_add(word);
        }
        mix(&mut state);
    }
    for (place, &byte) in chunks.remainder().iter().enumerate() {
        // The lowest byte of the third word is kept for the length.
        let shift = if place < 8 { place % 4 } else { place - 8 + 1 };
        let word = (place / 4).min(2);
        state[word] = state[word].wrapping_add(u32::from(byte) << (shift * 8));
    }
    finish(&mut state);
    state[2] as i32
}

fn mix([a, b, c]: &mut [u32; 3]) {
    for (turn_a, turn_b, turn_c) in [(4, 6, 8), (16, 19, 4)] {
        *a = a.wrapping_sub(*c) ^ c.rotate_left(turn_a);
        *c = c.wrapping_add(*b);
        *b = b.wrapping_sub(*a) ^ a.rotate_left(turn_b);
        *a = a.wrapping_add(*c);
        *c = c.wrapping_sub(*b) ^ b.rotate_left(turn_c);
        *b = b.wrapping_add(*a);
    }
}

fn finish([a, b, c]: &mut [u32; 3]) {
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
}
