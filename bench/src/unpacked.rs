//! Files that are built into this program, in a folder while another program needs them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::Dir;

/// Files in a folder of their own for temporary files, which is removed at the end.
#[derive(Debug)]
pub struct Unpacked {
    folder: PathBuf,
}

impl Unpacked {
    /// Writes them. No two folders of one process have the same name.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(files: &Dir<'_>, name: &str) -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("instar-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let unpacked = Self { folder };
        files.extract(&unpacked.folder)?;
        Ok(unpacked)
    }

    /// The path of one of the files, as `python/run.py`.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What is left in a folder for temporary files does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
