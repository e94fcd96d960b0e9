//! The lines that reproduce a failure.

use std::path::Path;

/// How a command line is written that shows something again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    program: String,
    options: String,
}

impl Again {
    /// For this program, with options that every line needs, for example `--dir elsewhere`.
    pub fn new(program: impl Into<String>, options: &[String]) -> Self {
        let options = options.iter().flat_map(|option| [" ".into(), quoted(option)]).collect();
        Self { program: program.into(), options }
    }

    /// The line that runs one seed of a scenario and tells its story.
    pub fn run(&self, scenario: &str, seed: u64) -> String {
        format!("{} run {} --seed {seed}{}", self.program, quoted(scenario), self.options)
    }

    /// The line that replays a seed file.
    pub fn replay(&self, file: &Path) -> String {
        self.of("replay", file)
    }

    /// The line that does something with a seed file.
    pub fn of(&self, command: &str, file: &Path) -> String {
        format!("{} {command} {}{}", self.program, quoted(&file.display().to_string()), self.options)
    }
}

impl Default for Again {
    fn default() -> Self {
        Self::new("sexton", &[])
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:,=@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted_into_a_shell() {
        let again = Again::new("sexton", &["--dir".into(), "my scenarios".into()]);
        assert_eq!(again.run("session/default", 17), "sexton run session/default --seed 17 --dir 'my scenarios'");
        assert_eq!(Again::default().replay(Path::new("seeds/it's.toml")), r"sexton replay 'seeds/it'\''s.toml'");
    }
}
