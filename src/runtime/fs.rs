//! Files: on the disk of the current host inside a world, the system's outside.
//!
//! Paths are `/`-separated text. Inside a world each host has a disk of its own, which is empty at first and outlives a
//! crash; relative paths begin at its root. A crash that takes only the process leaves all that was written. One that
//! takes the power too leaves what was synced, and of a file's later changes only the first few, of which the last may be
//! torn. A rename is atomic, and outlasts a loss of power once the file is synced under its new name. A call whose future is
//! dropped before it ends may have happened or not.
//!
//! ```
//! use sexton::runtime::fs;
//! use sexton::world::{Config, simulate};
//!
//! let outcome = simulate(Config::default(), || async {
//!     fs::append("shapes/log", b"one\n").await?;
//!     fs::append("shapes/log", b"two\n").await?;
//!     fs::sync("shapes/log").await?;
//!     fs::write("shapes/offset.new", b"8").await?;
//!     fs::rename("shapes/offset.new", "shapes/offset").await?;
//!     fs::sync("shapes/offset").await?;
//!     assert_eq!(fs::list("shapes").await?, ["log", "offset"]);
//!     fs::read("/shapes/log").await
//! });
//! assert_eq!(outcome.value.expect("the run ends by itself").expect("the file is there"), b"one\ntwo\n");
//! ```

#![expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]

use std::io;
use std::path::Path;

use tokio::fs;
use tokio::io::AsyncWriteExt;

#[cfg(feature = "sim")]
use super::inside;
#[cfg(feature = "sim")]
use crate::world::{Call, on_disk};

/// All bytes of a file.
///
/// # Errors
/// As the system's: not found, a directory, an input/output error.
pub async fn read(path: &str) -> io::Result<Vec<u8>> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Look, |disk| disk.read(path)).await;
    }
    fs::read(path).await
}

/// Puts `bytes` in place of all that a file holds, or makes one that holds them, with the directories on the way.
///
/// This is not atomic: a reader beside it, and whoever comes after a loss of power, may find a part. To replace a file as a
/// whole, write another one, [`rename`] it and [`sync`] it under its new name.
///
/// # Errors
/// As the system's: a directory, no room, an input/output error. Then the file may hold a part of the bytes.
pub async fn write(path: &str, bytes: &[u8]) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Write, |disk| disk.write(path, bytes)).await;
    }
    make_parents(path).await?;
    fs::write(path, bytes).await
}

/// Puts `bytes` behind all that a file holds, or makes one that holds them, with the directories on the way.
///
/// # Errors
/// As [`write()`].
pub async fn append(path: &str, bytes: &[u8]) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Write, |disk| disk.append(path, bytes)).await;
    }
    make_parents(path).await?;
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).await?;
    file.write_all(bytes).await?;
    file.flush().await
}

/// Waits until a file, under the path that it has now, outlasts a loss of power.
///
/// # Errors
/// As the system's: not found, an input/output error. Then it is not known what would be lost.
pub async fn sync(path: &str) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Sync, |disk| disk.sync(path)).await;
    }
    fs::File::open(path).await?.sync_all().await?;
    // Its path is the directory's to keep.
    #[cfg(unix)]
    if let Some(parent) = parent(path) {
        fs::File::open(parent).await?.sync_all().await?;
    }
    Ok(())
}

/// Gives a file or directory another path, in place of the file that has it, and makes the directories on the way.
///
/// # Errors
/// As the system's: not found, a directory in the way, an input/output error.
pub async fn rename(from: &str, to: &str) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Change, |disk| disk.rename(from, to)).await;
    }
    if fs::try_exists(from).await? {
        make_parents(to).await?;
    }
    fs::rename(from, to).await
}

/// Removes a file.
///
/// # Errors
/// As the system's: not found, a directory, an input/output error.
pub async fn remove_file(path: &str) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Change, |disk| disk.remove_file(path)).await;
    }
    fs::remove_file(path).await
}

/// Removes a directory with all that is in it.
///
/// # Errors
/// As the system's: not found, not a directory, an input/output error. Then a part of it may be gone.
pub async fn remove_dir_all(path: &str) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Change, |disk| disk.remove_directory(path)).await;
    }
    fs::remove_dir_all(path).await
}

/// The names of all that is in a directory, in order. Names that are no text are left out.
///
/// # Errors
/// As the system's: not found, not a directory, an input/output error.
pub async fn list(path: &str) -> io::Result<Vec<String>> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Look, |disk| disk.list(path)).await;
    }
    let mut entries = fs::read_dir(path).await?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Whether there is a file or directory.
///
/// # Errors
/// As the system's, where it cannot be told.
pub async fn exists(path: &str) -> io::Result<bool> {
    #[cfg(feature = "sim")]
    if inside() {
        return on_disk(Call::Look, |disk| disk.exists(path)).await;
    }
    fs::try_exists(path).await
}

fn parent(path: &str) -> Option<&Path> {
    // Of a plain name it is the empty path, which cannot be opened.
    let parent = Path::new(path).parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

async fn make_parents(path: &str) -> io::Result<()> {
    match parent(path) {
        Some(parent) => fs::create_dir_all(parent).await.map_err(|error| match error.kind() {
            // A file is in the way: as where it is not the last one on the way.
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        }),
        None => Ok(()),
    }
}
