//! What is on one disk, and what of it is left when power is lost.
//!
//! A file's content is what was written to it, whether or not that was synced: a process that dies leaves it as it is.
//! What was changed since the file was last synced is remembered, each change with what undoes it. When power is lost, a
//! drawn number of the last ones is undone; of the first that is lost a part may have come through.
//!
//! That a file was removed, and that a directory was made, removed or renamed, is never lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};

/// The site that says how many of a file's changes are lost with the power.
pub(super) const LOST: &str = "disk.lost";
/// The site that says how many bytes of the first of these are left.
pub(super) const TORN: &str = "disk.torn";

/// The files and directories of one disk. Paths are separated by `/`; relative ones begin at the root.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    files: BTreeMap<String, File>,
    /// All but the root.
    directories: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    unsynced: Vec<Change>,
}

/// A change that power loss may undo, with what was there before.
#[derive(Debug)]
enum Change {
    /// There was no file.
    Created,
    /// There were these bytes.
    Replaced(Vec<u8>),
    /// The file was so long.
    Appended(usize),
    /// It had this path, and at its new one there was another file.
    Renamed { from: String, displaced: Option<Box<File>> },
}

/// What power loss has left of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// Where the file was.
    pub(super) path: String,
    /// How many of its changes are gone, wholly or in part.
    pub(super) changes: usize,
    /// How many it had that were not synced.
    pub(super) of: usize,
}

impl Contents {
    /// The bytes of a file.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.file(&normal(path)?).map(|file| file.bytes.clone())
    }

    /// Puts these bytes in place of what a file holds, or makes one that holds them.
    pub(crate) fn write(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.made(path)?;
        let before = std::mem::replace(&mut file.bytes, bytes.to_vec());
        file.unsynced.push(Change::Replaced(before));
        Ok(())
    }

    /// Puts these bytes behind what a file holds, or makes one that holds them.
    pub(crate) fn append(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.made(path)?;
        file.unsynced.push(Change::Appended(file.bytes.len()));
        file.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes all changes of a file outlast a loss of power.
    pub(crate) fn sync(&mut self, path: &str) -> Result<()> {
        let path = normal(path)?;
        if let Some(file) = self.files.get_mut(&path) {
            file.unsynced.clear();
            return Ok(());
        }
        self.directory(&path)
    }

    /// Gives a file or a directory another path, in place of the file that has it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (normal(from)?, normal(to)?);
        let directory = self.is_directory(&from);
        if !directory {
            self.file(&from)?;
        }
        if from == to {
            return Ok(());
        }
        if directory {
            return self.rename_directory(&from, &to);
        }
        if self.is_directory(&to) {
            return Err(ErrorKind::IsADirectory.into());
        }
        self.make_parents(&to)?;
        if let Some(mut file) = self.files.remove(&from) {
            let displaced = self.files.remove(&to).map(Box::new);
            file.unsynced.push(Change::Renamed { from, displaced });
            self.files.insert(to, file);
        }
        Ok(())
    }

    fn rename_directory(&mut self, from: &str, to: &str) -> Result<()> {
        if to.starts_with(&within(from)) {
            return Err(Error::new(ErrorKind::InvalidInput, "a directory cannot be moved into itself"));
        }
        if self.files.contains_key(to) {
            return Err(ErrorKind::NotADirectory.into());
        }
        if self.is_directory(to) && !self.names(to).is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.make_parents(to)?;
        let moved = |path: &str| format!("{to}{}", &path[from.len()..]);
        for path in below(self.directories.iter(), from) {
            self.directories.remove(&path);
            self.directories.insert(moved(&path));
        }
        self.directories.remove(from);
        self.directories.insert(to.to_owned());
        for path in below(self.files.keys(), from) {
            if let Some(file) = self.files.remove(&path) {
                self.files.insert(moved(&path), file);
            }
        }
        Ok(())
    }

    /// Removes a file.
    pub(crate) fn remove_file(&mut self, path: &str) -> Result<()> {
        let path = normal(path)?;
        self.file(&path)?;
        self.files.remove(&path);
        Ok(())
    }

    /// Removes a directory and all that is in it.
    pub(crate) fn remove_directory(&mut self, path: &str) -> Result<()> {
        let path = normal(path)?;
        self.directory(&path)?;
        for gone in below(self.files.keys(), &path) {
            self.files.remove(&gone);
        }
        for gone in below(self.directories.iter(), &path) {
            self.directories.remove(&gone);
        }
        self.directories.remove(&path);
        Ok(())
    }

    /// The names in a directory, in order.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>> {
        let path = normal(path)?;
        self.directory(&path)?;
        Ok(self.names(&path).into_iter().map(str::to_owned).collect())
    }

    /// Whether there is a file or directory.
    pub(crate) fn exists(&self, path: &str) -> Result<bool> {
        let path = normal(path)?;
        if self.files.contains_key(&path) || self.is_directory(&path) {
            return Ok(true);
        }
        match self.missing(&path).kind() {
            ErrorKind::NotFound => Ok(false),
            other => Err(other.into()),
        }
    }

    /// Whether power loss could take anything away.
    pub(super) fn is_synced(&self) -> bool {
        self.files.values().all(|file| file.unsynced.is_empty())
    }

    /// Power is lost. `draw` is asked at a site, for a file, for a number from 0 to the one it is given.
    pub(super) fn lose_power(&mut self, mut draw: impl FnMut(&'static str, &str, usize) -> usize) -> Vec<Lost> {
        let unsynced = self.files.iter().filter(|(_, file)| !file.unsynced.is_empty());
        let mut struck: Vec<String> = unsynced.map(|(path, _)| path.clone()).rev().collect();
        let mut lost = Vec::new();
        while let Some(path) = struck.pop() {
            let Some(mut file) = self.files.remove(&path) else { continue };
            let of = file.unsynced.len();
            let changes = draw(LOST, &path, of).min(of);
            let mut place = Some(path.clone());
            for left in (0..changes).rev() {
                let mut torn = |whole: usize| {
                    if left > 0 || whole < 2 { 0 } else { draw(TORN, &path, whole - 1).min(whole - 1) }
                };
                match file.unsynced.pop() {
                    Some(Change::Created) => place = None,
                    Some(Change::Appended(before)) => {
                        let kept = torn(file.bytes.len() - before);
                        file.bytes.truncate(before + kept);
                    }
                    Some(Change::Replaced(before)) => match torn(file.bytes.len()) {
                        0 => file.bytes = before,
                        kept => file.bytes.truncate(kept),
                    },
                    Some(Change::Renamed { from, displaced }) => {
                        if let (Some(path), Some(displaced)) = (place.replace(from), displaced) {
                            if !displaced.unsynced.is_empty() {
                                struck.push(path.clone());
                            }
                            self.files.insert(path, *displaced);
                        }
                    }
                    None => {}
                }
            }
            file.unsynced.clear();
            // Where a newer file has taken the path that it goes back to, that one stays.
            if let Some(place) = place.filter(|place| !self.files.contains_key(place))
                && self.make_parents(&place).is_ok()
            {
                self.files.insert(place, file);
            }
            if changes > 0 {
                lost.push(Lost { path, changes, of });
            }
        }
        lost
    }

    fn file(&self, path: &str) -> Result<&File> {
        self.files
            .get(path)
            .ok_or_else(|| if self.is_directory(path) { ErrorKind::IsADirectory.into() } else { self.missing(path) })
    }

    fn directory(&self, path: &str) -> Result<()> {
        match self.is_directory(path) {
            true => Ok(()),
            false if self.files.contains_key(path) => Err(ErrorKind::NotADirectory.into()),
            false => Err(self.missing(path)),
        }
    }

    fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.directories.contains(path)
    }

    /// Why there is nothing at a path.
    fn missing(&self, path: &str) -> Error {
        let through_a_file = parents(path).any(|parent| self.files.contains_key(parent));
        if through_a_file { ErrorKind::NotADirectory.into() } else { ErrorKind::NotFound.into() }
    }

    /// The file at a path, made with all directories on the way if there is none.
    fn made(&mut self, path: &str) -> Result<&mut File> {
        let path = normal(path)?;
        if self.is_directory(&path) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if !self.files.contains_key(&path) {
            self.make_parents(&path)?;
        }
        let new = || File { bytes: Vec::new(), unsynced: vec![Change::Created] };
        Ok(self.files.entry(path).or_insert_with(new))
    }

    fn make_parents(&mut self, path: &str) -> Result<()> {
        if parents(path).any(|parent| self.files.contains_key(parent)) {
            return Err(ErrorKind::NotADirectory.into());
        }
        for parent in parents(path) {
            if !self.directories.contains(parent) {
                self.directories.insert(parent.to_owned());
            }
        }
        Ok(())
    }

    fn names(&self, directory: &str) -> BTreeSet<&str> {
        let start = within(directory);
        let files = self.files.range(start.clone()..).map(|(path, _)| path);
        let directories = self.directories.range(start.clone()..);
        let name =
            |path: &'_ String| path.strip_prefix(&start).map(|rest| rest.split('/').next().unwrap_or(rest).len());
        let cut = |path| name(path).map(|length| (path, length));
        let all = files.map_while(cut).chain(directories.map_while(cut));
        all.map(|(path, length)| &path[start.len()..start.len() + length]).collect()
    }
}

/// What the paths of all that is in a directory begin with.
fn within(directory: &str) -> String {
    if directory.is_empty() { String::new() } else { format!("{directory}/") }
}

fn below<'a>(paths: impl Iterator<Item = &'a String>, directory: &str) -> Vec<String> {
    let start = within(directory);
    paths.filter(|path| path.starts_with(&start)).cloned().collect()
}

/// The directories on the way to a path, the root aside.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// A path from the root, without `.`, `..` and what separates nothing.
fn normal(path: &str) -> Result<String> {
    if path.is_empty() {
        return Err(ErrorKind::NotFound.into());
    }
    if path.contains('\0') {
        return Err(Error::new(ErrorKind::InvalidInput, "a path cannot contain a zero byte"));
    }
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    Ok(names.join("/"))
}
