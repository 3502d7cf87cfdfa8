//! A Unix socket that only its owner may use.
//!
//! It is made in a folder that nobody else may enter, gets its mode there, and is then moved to its place: there is no moment at which others
//! could connect, and a stale socket, which nobody listens at, is replaced in one step. It goes with its listener.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A listener and its place in the file system.
#[derive(Debug)]
pub(super) struct Socket {
    pub listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file, to know it from one that took its place.
    identity: (u64, u64),
}

impl Socket {
    /// Listens at `path`.
    ///
    /// # Errors
    /// What is in the way, in words.
    pub fn bind(path: &Path) -> Result<Socket, String> {
        make_way(path)?;
        let name = path.file_name().ok_or("this is no name for a file")?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let private = folder.join(format!(".{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&private)
            .map_err(|error| format!("cannot be made in {}: {error}", folder.display()))?;
        let result = Socket::bind_in(&private, Path::new(name), path);
        // Empty by now, but after an error that was reported.
        let _ = fs::remove_file(private.join(name));
        let _ = fs::remove_dir(&private);
        result
    }

    fn bind_in(private: &Path, name: &Path, path: &Path) -> Result<Socket, String> {
        let made = private.join(name);
        let listener = UnixListener::bind(&made).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => {
                "its path is too long for a socket: choose a shorter one".to_owned()
            }
            _ => error.to_string(),
        })?;
        let place = || -> io::Result<(u64, u64)> {
            fs::set_permissions(&made, Permissions::from_mode(0o600))?;
            fs::rename(&made, path)?;
            identity(path)
        };
        let identity = place().map_err(|error| error.to_string())?;
        Ok(Socket { listener, path: path.to_owned(), identity })
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|data| (data.dev(), data.ino()))
}

/// Nothing may stand at the path but a socket that nobody listens at.
fn make_way(path: &Path) -> Result<(), String> {
    let data = match fs::symlink_metadata(path) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if !data.file_type().is_socket() {
        return Err("something else than a socket has this name; it is left alone".to_owned());
    }
    match UnixStream::connect(path) {
        Ok(_) => Err("another program listens there already".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(format!("somebody's socket is there, and cannot be looked at: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("instar-socket-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_socket_is_its_owners_and_goes_with_its_listener() {
        let folder = folder("mode");
        let path = folder.join("s");
        let socket = Socket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the private folder is gone");
        UnixStream::connect(socket.path()).unwrap();
        drop(socket);
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn stale_sockets_are_replaced_and_others_left_alone() {
        let folder = folder("stale");
        let path = folder.join("s");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = Socket::bind(&path).unwrap();
        assert!(Socket::bind(&path).unwrap_err().contains("another program"));
        UnixStream::connect(socket.path()).unwrap();
        let file = folder.join("file");
        fs::write(&file, "text").unwrap();
        assert!(Socket::bind(&file).unwrap_err().contains("something else"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
        let long = folder.join("x".repeat(200));
        assert!(Socket::bind(&long).unwrap_err().contains("too long"));
        drop(socket);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_took_its_place_stays() {
        let folder = folder("place");
        let path = folder.join("s");
        let socket = Socket::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        drop(socket);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_dir_all(folder).unwrap();
    }
}
