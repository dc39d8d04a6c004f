// Peer of bench/mcap.c: every message of a file with the public crate `mcap`, the CRCs of chunks checked.
// Prints payload bytes and seconds, of the best of three rounds.
use mcap::read::{MessageStream, Options};
use std::{env, fs, time::Instant};

fn main() {
    let path = env::args().nth(1).expect("usage: mcap_rust FILE");
    let (mut bytes, mut best) = (0u64, f64::INFINITY);
    for _ in 0..3 {
        let start = Instant::now();
        let map = unsafe { memmap2::Mmap::map(&fs::File::open(&path).expect("open")).expect("map") };
        bytes = MessageStream::new_with_options(&map, Options::ValidateChunkCrcs.into())
            .expect("stream")
            .map(|m| m.expect("message").data.len() as u64)
            .sum();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{} {:.6}", bytes, best);
}
