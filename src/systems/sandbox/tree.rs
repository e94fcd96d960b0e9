//! The paths of one sandbox, as a replica has them in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::errors::{Code, Failure};
use super::stamp::Stamp;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Node {
    /// A directory.
    Directory {
        /// Its inode.
        ino: i64,
    },
    /// A file.
    File {
        /// Its inode.
        ino: i64,
        /// The hash that its content is kept under.
        sha256: String,
    },
}

impl Node {
    /// Its inode.
    pub(crate) fn ino(&self) -> i64 {
        match self {
            Self::Directory { ino } | Self::File { ino, .. } => *ino,
        }
    }
}

/// A tree of paths, as of one moment. Paths are kept without a slash at the end, so the root is the empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    /// As of when.
    pub(crate) stamp: Stamp,
    /// Whose it is.
    pub(crate) owner: String,
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// With these paths.
    pub(crate) fn new(stamp: Stamp, owner: String, nodes: BTreeMap<String, Node>) -> Self {
        Self { stamp, owner, nodes }
    }

    /// What is left of a sandbox that has gone: no path at all.
    pub(crate) fn gone(stamp: Stamp, owner: &str) -> Self {
        Self::new(stamp, owner.to_owned(), BTreeMap::new())
    }

    /// All paths.
    pub(crate) fn nodes(&self) -> &BTreeMap<String, Node> {
        &self.nodes
    }

    /// What a path leads to, if it leads anywhere.
    pub(crate) fn find(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path.trim_end_matches('/'))
    }

    /// The hash of a file's content.
    pub(crate) fn content(&self, path: &str) -> Result<&str, Failure> {
        match self.find(path) {
            Some(Node::File { sha256, .. }) => Ok(sha256),
            Some(Node::Directory { .. }) => Err(is_a_directory(path)),
            None => Err(self.nothing_at(path)),
        }
    }

    /// The names in a directory.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, Failure> {
        match self.find(path) {
            Some(Node::Directory { .. }) => {
                let start = format!("{}/", path.trim_end_matches('/'));
                let below = self.nodes.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start));
                let names = below.filter_map(|(path, _)| path.strip_prefix(&start)).filter(|name| !name.contains('/'));
                Ok(names.map(str::to_owned).collect())
            }
            Some(Node::File { .. }) => Err(Failure::of_path(Code::Enotdir, format!("{path} is not a directory"))),
            None => Err(self.nothing_at(path)),
        }
    }

    /// Whether a file may be written there: the part of the way that is missing, from the top.
    pub(crate) fn way_to<'a>(&self, path: &'a str) -> Result<Vec<&'a str>, Failure> {
        match self.find(path) {
            Some(Node::Directory { .. }) => return Err(is_a_directory(path)),
            Some(Node::File { .. }) => return Ok(Vec::new()),
            None => {}
        }
        let mut missing = Vec::new();
        for (at, _) in path.match_indices('/').skip(1) {
            match self.find(&path[..at]) {
                Some(Node::Directory { .. }) => {}
                Some(Node::File { .. }) => return Err(self.nothing_at(path)),
                None => missing.push(&path[..at]),
            }
        }
        Ok(missing)
    }

    /// Whether something may be removed there: its inode.
    pub(crate) fn removable(&self, path: &str) -> Result<i64, Failure> {
        let node = self.find(path).ok_or_else(|| self.nothing_at(path))?;
        if path == "/" {
            return Err(Failure::of_path(Code::Einval, "the root cannot be removed"));
        }
        if matches!(node, Node::Directory { .. }) && !self.list(path)?.is_empty() {
            return Err(Failure::of_path(Code::Enotempty, format!("{path} is not empty")));
        }
        Ok(node.ino())
    }

    /// The directory that a path is in, and its name there.
    pub(crate) fn place<'a>(&self, path: &'a str) -> Result<(i64, &'a str), Failure> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.find(parent) {
            Some(Node::Directory { ino }) => Ok((*ino, name)),
            _ => Err(self.nothing_at(path)),
        }
    }

    /// Puts a node at a path.
    pub(crate) fn put(&mut self, path: &str, node: Node) {
        self.nodes.insert(path.to_owned(), node);
    }

    /// Takes away what is at a path.
    pub(crate) fn remove(&mut self, path: &str) {
        self.nodes.remove(path);
    }

    /// Why there is nothing: something on the way is a file, or it is not there.
    fn nothing_at(&self, path: &str) -> Failure {
        let blocked =
            path.match_indices('/').skip(1).any(|(at, _)| matches!(self.find(&path[..at]), Some(Node::File { .. })));
        if blocked {
            Failure::of_path(Code::Enotdir, format!("a file is on the way to {path}"))
        } else {
            Failure::of_path(Code::Enoent, format!("there is no {path}"))
        }
    }
}

fn is_a_directory(path: &str) -> Failure {
    Failure::of_path(Code::Eisdir, format!("{path} is a directory"))
}
