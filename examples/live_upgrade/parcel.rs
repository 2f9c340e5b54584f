//! The file to carry.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tokio::io::AsyncSeekExt;

use crate::board::grouped;
use crate::command::hex;
use crate::failure::Failure;

/// The file to carry, and what the receiver must find it to be.
pub(crate) struct Parcel {
    path: PathBuf,
    file: File,
    pub(crate) len: u64,
    pub(crate) sha256: String,
}

impl Parcel {
    /// Reads the file once, for its sum.
    pub(crate) fn look_at(path: PathBuf) -> Result<Self, Failure> {
        let shown = path.display();
        let doing = format!("cannot carry {shown}");
        // Asked before it is opened: opening a pipe would wait for whoever writes to it.
        let kind = path.metadata().map_err(Failure::because(&doing))?;
        if kind.is_dir() {
            return Err(Failure::new(format_args!("{doing}: it is a directory")));
        }
        if !kind.is_file() {
            return Err(Failure::new(format_args!(
                "{doing}: it is not a regular file"
            )));
        }
        let mut file = File::open(&path).map_err(Failure::because(&doing))?;
        let (mut sum, mut len) = (Sha256::new(), 0);
        let mut block = vec![0; 64 * 1024];
        loop {
            let n = file.read(&mut block).map_err(Failure::because(&doing))?;
            if n == 0 {
                break;
            }
            sum.update(&block[..n]);
            len += n as u64;
        }
        let sha256 = hex(&sum.finalize());
        Ok(Self {
            path,
            file,
            len,
            sha256,
        })
    }

    /// The file, from its beginning: the very one that was looked at, whatever its name leads to
    /// by now.
    pub(crate) async fn open(&self) -> Result<tokio::fs::File, Failure> {
        let doing = || format!("cannot read {} again", self.path.display());
        let file = self.file.try_clone().map_err(Failure::because(doing()))?;
        let mut file = tokio::fs::File::from_std(file);
        file.rewind().await.map_err(Failure::because(doing()))?;
        Ok(file)
    }
}

impl fmt::Display for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, len, sha256, ..
        } = self;
        let (path, len) = (path.display(), grouped(*len));
        write!(f, "{path}: {len} bytes, sha256\n{sha256}")
    }
}
