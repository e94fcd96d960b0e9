//! Functions that are known by what they take and return alone.

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::Kind;
use super::{Translator, Typed};

impl Translator<'_> {
    /// A function that is known by what it takes and returns alone.
    pub(super) fn listed_call(&mut self, name: &str, arguments: &[Typed]) -> Result<Typed, Refusal> {
        let forms: Vec<&Listed> = LISTED.iter().filter(|listed| listed.name == name).collect();
        if forms.is_empty() {
            if KNOWN.contains(&name) || name.starts_with("pg_") {
                return Err(Refusal::unsupported(format_args!("the function {name}")));
            }
            return Err(self.no_function(name, arguments));
        }
        let fitting = forms.iter().find(|listed| {
            listed.takes.len() == arguments.len()
                && listed.takes.iter().zip(arguments).all(|(&takes, argument)| match self.kind_of(argument) {
                    Kind::Unknown => true,
                    Kind::Numeric => takes == Type::Float8,
                    kind @ Kind::Of(_) if kind.is_text() => takes == Type::Text,
                    kind @ Kind::Of(_) => match (kind.rank(), Kind::Of(takes).rank()) {
                        (Some(narrow), Some(wide)) => narrow <= wide,
                        _ => kind == Kind::Of(takes),
                    },
                })
        });
        let Some(listed) = fitting else {
            return Err(self.no_function(name, arguments));
        };
        let mut words = Vec::with_capacity(arguments.len());
        for (&takes, argument) in listed.takes.iter().zip(arguments) {
            words.push(self.implicit(argument, takes, &format!("argument of {name}"))?);
        }
        self.locks |= listed.locks;
        let mut sql = listed.sql.to_owned();
        for (place, word) in words.iter().enumerate().rev() {
            sql = sql.replace(&format!("${}", place + 1), word);
        }
        Ok(Typed::of(sql, listed.returns))
    }
}

/// A function that is known by what it takes and returns alone.
struct Listed {
    name: &'static str,
    takes: &'static [Type],
    returns: Type,
    /// `$1` for its first argument.
    sql: &'static str,
    /// Whether it takes or gives back a lock.
    locks: bool,
}

const fn listed(name: &'static str, takes: &'static [Type], returns: Type, sql: &'static str) -> Listed {
    Listed { name, takes, returns, sql, locks: false }
}

const fn lock(name: &'static str, takes: &'static [Type], returns: Type, sql: &'static str) -> Listed {
    Listed { name, takes, returns, sql, locks: true }
}

/// What a real server knows and this one does not.
const KNOWN: &[&str] = &[
    "md5",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "random",
    "setseed",
    "age",
    "to_char",
    "to_date",
    "to_number",
    "regexp_replace",
    "regexp_match",
    "regexp_matches",
    "regexp_split_to_array",
    "regexp_split_to_table",
    "format",
    "jsonb_set",
    "row_to_json",
    "to_json",
    "json_build_object",
    "json_build_array",
    "jsonb_build_array",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_array_length",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_keys",
    "jsonb_typeof",
    "jsonb_insert",
    "jsonb_strip_nulls",
    "jsonb_path_query",
    "jsonb_pretty",
    "quote_ident",
    "quote_literal",
    "quote_nullable",
    "txid_current",
    "unnest",
    "generate_series",
    "sign",
    "sqrt",
    "cbrt",
    "exp",
    "ln",
    "log",
    "power",
    "trunc",
    "div",
    "gcd",
    "lcm",
    "pi",
    "degrees",
    "radians",
    "sin",
    "cos",
    "tan",
    "acos",
    "asin",
    "atan",
    "atan2",
    "factorial",
    "width_bucket",
    "ascii",
    "chr",
    "initcap",
    "reverse",
    "rpad",
    "translate",
    "overlay",
    "string_to_array",
    "array_to_string",
    "array_append",
    "array_prepend",
    "array_cat",
    "array_remove",
    "array_replace",
    "array_position",
    "array_positions",
    "array_lower",
    "array_upper",
    "array_dims",
    "array_ndims",
    "array_fill",
    "bit_length",
    "convert",
    "convert_from",
    "convert_to",
    "get_byte",
    "set_byte",
    "get_bit",
    "set_bit",
    "justify_days",
    "justify_hours",
    "justify_interval",
    "make_date",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "timeofday",
    "isfinite",
    "date_bin",
    "localtime",
    "localtimestamp",
    "current_date",
    "current_time",
    "inet_client_addr",
    "inet_server_addr",
    "obj_description",
    "col_description",
    "has_table_privilege",
    "set_config",
    "currval",
    "lastval",
    "setval",
    "num_nulls",
    "num_nonnulls",
    "current_schemas",
    "current_catalog",
    "current_role",
    "current_query",
    "hashtextextended",
    "percent_rank",
    "cume_dist",
    "ntile",
    "nth_value",
    "percentile_cont",
    "percentile_disc",
    "mode",
    "stddev",
    "variance",
    "corr",
    "bit_and",
    "bit_or",
    "json_object_agg",
    "jsonb_object_agg",
    "xmlagg",
];

use Type::{Bool, Bytea, Float8, Int4, Int8, Text, Timestamptz, Uuid, Void};

const LISTED: &[Listed] = &[
    listed("lower", &[Text], Text, "lower($1)"),
    listed("upper", &[Text], Text, "upper($1)"),
    listed("length", &[Text], Int4, "length($1)"),
    listed("char_length", &[Text], Int4, "length($1)"),
    listed("character_length", &[Text], Int4, "length($1)"),
    listed("octet_length", &[Text], Int4, "octet_length($1)"),
    listed("substr", &[Text, Int4], Text, "pg_substr($1, $2)"),
    listed("substr", &[Text, Int4, Int4], Text, "pg_substr($1, $2, $3)"),
    listed("substring", &[Text, Int4], Text, "pg_substr($1, $2)"),
    listed("substring", &[Text, Int4, Int4], Text, "pg_substr($1, $2, $3)"),
    listed("strpos", &[Text, Text], Int4, "instr($1, $2)"),
    listed("replace", &[Text, Text, Text], Text, "replace($1, $2, $3)"),
    listed("btrim", &[Text], Text, "trim($1)"),
    listed("btrim", &[Text, Text], Text, "trim($1, $2)"),
    listed("ltrim", &[Text], Text, "ltrim($1)"),
    listed("ltrim", &[Text, Text], Text, "ltrim($1, $2)"),
    listed("rtrim", &[Text], Text, "rtrim($1)"),
    listed("rtrim", &[Text, Text], Text, "rtrim($1, $2)"),
    listed("left", &[Text, Int4], Text, "pg_left($1, $2)"),
    listed("right", &[Text, Int4], Text, "pg_right($1, $2)"),
    listed("repeat", &[Text, Int4], Text, "pg_repeat($1, $2)"),
    listed("lpad", &[Text, Int4, Text], Text, "pg_lpad($1, $2, $3)"),
    listed("lpad", &[Text, Int4], Text, "pg_lpad($1, $2, ' ')"),
    listed("split_part", &[Text, Text, Int4], Text, "pg_split_part($1, $2, $3)"),
    listed("starts_with", &[Text, Text], Bool, "pg_starts_with($1, $2)"),
    listed("encode", &[Bytea, Text], Text, "pg_encode($1, $2)"),
    listed("decode", &[Text, Text], Bytea, "pg_decode($1, $2)"),
    listed("to_timestamp", &[Float8], Timestamptz, "pg_to_timestamp($1)"),
    listed("gen_random_uuid", &[], Uuid, "pg_uuid()"),
    listed("hashtext", &[Text], Int4, "pg_hashtext($1)"),
    listed("nextval", &[Text], Int8, "pg_nextval($1)"),
    listed("version", &[], Text, "'PostgreSQL 15.0 (simulated)'"),
    listed("current_database", &[], Text, "pg_setting('database')"),
    listed("current_user", &[], Text, "pg_setting('user')"),
    listed("session_user", &[], Text, "pg_setting('user')"),
    listed("current_schema", &[], Text, "'public'"),
    listed("pg_backend_pid", &[], Int4, "pg_backend()"),
    listed("current_setting", &[Text], Text, "pg_setting($1)"),
    listed("pg_current_wal_lsn", &[], Text, "pg_lsn()"),
    listed("pg_wal_lsn_diff", &[Text, Text], Int8, "pg_lsn_diff($1, $2)"),
    listed("pg_is_in_recovery", &[], Bool, "pg_recovery()"),
    lock("pg_advisory_lock", &[Int8], Void, "pg_advisory('lock', $1)"),
    lock("pg_advisory_lock", &[Int4, Int4], Void, "pg_advisory('lock', $1, $2)"),
    lock("pg_advisory_lock_shared", &[Int8], Void, "pg_advisory('lock_shared', $1)"),
    lock("pg_advisory_lock_shared", &[Int4, Int4], Void, "pg_advisory('lock_shared', $1, $2)"),
    lock("pg_advisory_xact_lock", &[Int8], Void, "pg_advisory('xact_lock', $1)"),
    lock("pg_advisory_xact_lock", &[Int4, Int4], Void, "pg_advisory('xact_lock', $1, $2)"),
    lock("pg_advisory_xact_lock_shared", &[Int8], Void, "pg_advisory('xact_lock_shared', $1)"),
    lock("pg_advisory_xact_lock_shared", &[Int4, Int4], Void, "pg_advisory('xact_lock_shared', $1, $2)"),
    lock("pg_try_advisory_lock", &[Int8], Bool, "pg_advisory('try_lock', $1)"),
    lock("pg_try_advisory_lock", &[Int4, Int4], Bool, "pg_advisory('try_lock', $1, $2)"),
    lock("pg_try_advisory_lock_shared", &[Int8], Bool, "pg_advisory('try_lock_shared', $1)"),
    lock("pg_try_advisory_xact_lock", &[Int8], Bool, "pg_advisory('try_xact_lock', $1)"),
    lock("pg_try_advisory_xact_lock", &[Int4, Int4], Bool, "pg_advisory('try_xact_lock', $1, $2)"),
    lock("pg_try_advisory_xact_lock_shared", &[Int8], Bool, "pg_advisory('try_xact_lock_shared', $1)"),
    lock("pg_advisory_unlock", &[Int8], Bool, "pg_advisory('unlock', $1)"),
    lock("pg_advisory_unlock", &[Int4, Int4], Bool, "pg_advisory('unlock', $1, $2)"),
    lock("pg_advisory_unlock_shared", &[Int8], Bool, "pg_advisory('unlock_shared', $1)"),
    lock("pg_advisory_unlock_all", &[], Void, "pg_advisory('unlock_all')"),
];
