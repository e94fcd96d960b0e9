//! How the policy of a system is written down: one switch per choice, and a table of them with the hardened form as default.

/// A choice between named ways of doing one thing; a scenario names them in snake case.
macro_rules! switch {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }
    };
}

/// `[policy]`: one field per choice with its hardened way, and the `preset` that may be named to start from.
///
/// Where it is used there are a `Preset` and a `Policy::preset` that tells what each preset stands for.
macro_rules! policy {
    ($(#[$doc:meta])* { $($(#[$field_doc:meta])* $field:ident: $kind:ident = $hardened:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
        #[serde(from = "Choices")]
        pub struct Policy { $($(#[$field_doc])* pub $field: $kind,)+ }

        impl Default for Policy {
            /// The hardened form.
            fn default() -> Self {
                Self { $($field: $kind::$hardened,)+ }
            }
        }

        /// `[policy]` as written: a form to start from, and what differs from it.
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Choices {
            preset: Option<Preset>,
            $($field: Option<$kind>,)+
        }

        impl From<Choices> for Policy {
            fn from(choices: Choices) -> Self {
                let base = choices.preset.map_or_else(Self::default, Self::preset);
                Self { $($field: choices.$field.unwrap_or(base.$field),)+ }
            }
        }
    };
}

pub(crate) use {policy, switch};
