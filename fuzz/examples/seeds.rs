//! Writes seeds for the targets that decode, made by the layers themselves: `seeds FOLDER` fills
//! `FOLDER/deflate` and so on.

use std::path::PathBuf;
use std::{env, fs, io};

use compress_layer::CompressLayer;
use fuzz::{CODECS, make, noise};
use stack::{Limits, Stack};

/// Small seeds are tried more often.
const MOST: usize = 1000;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).expect("a folder"));
    for codec in CODECS {
        let folder = folder.join(codec);
        fs::create_dir_all(&folder)?;
        for level in [0, 1, 6, 9] {
            for (name, writes) in texts() {
                let seed = packed(make(codec, level), &writes);
                if seed.len() <= MOST {
                    fs::write(folder.join(format!("{name}-{level}")), seed)?;
                }
            }
        }
    }
    Ok(())
}

/// What is written, and flushed write by write.
fn texts() -> [(&'static str, Vec<Vec<u8>>); 5] {
    let words = ["layer ", "stack ", "byte ", "wire ", "network ", "\r\n"];
    let prose = |len: usize| {
        let picks = noise(1)
            .take(len)
            .map(|byte| words[usize::from(byte) % words.len()]);
        picks.flat_map(str::bytes).collect::<Vec<_>>()
    };
    [
        ("nothing", vec![]),
        (
            "words",
            vec![b"hello".to_vec(), b", ".to_vec(), b"world".to_vec()],
        ),
        ("prose", vec![prose(30), prose(1000)]),
        (
            "noise",
            vec![noise(2).take(300).collect(), noise(3).take(40).collect()],
        ),
        ("bomb", vec![vec![0; 300_000]]),
    ]
}

/// What a layer makes of it, with its end mark and something behind it.
fn packed(layer: CompressLayer, writes: &[Vec<u8>]) -> Vec<u8> {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(layer).expect("an empty stack");
    for write in writes {
        stack.write(&write[..]).expect("an open stack");
        stack.flush();
    }
    stack.start_pop(id).expect("it stands");
    stack.write(b"behind").expect("an open stack");
    stack.flush();
    stack.outgoing().to_vec()
}
