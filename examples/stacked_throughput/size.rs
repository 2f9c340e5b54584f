//! Numbers of bytes, as people write them.

/// Parses `64`, `4K` or `1M`.
pub(crate) fn parse(text: &str) -> Result<usize, String> {
    let units = [("K", 10), ("M", 20), ("G", 30)];
    let unit = units
        .into_iter()
        .find_map(|(unit, log)| Some((text.strip_suffix(unit)?, log)));
    let (digits, log) = unit.unwrap_or((text, 0));
    let number = digits.parse::<usize>().ok().filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << log));
    bytes.ok_or_else(|| "it is a number of bytes above 0, as in 512, 64K or 1M".to_owned())
}

/// The other way round, in the largest unit in which it is a whole number.
pub(crate) fn text(bytes: usize) -> String {
    let units = [("M", 20), ("K", 10)];
    let whole = units
        .into_iter()
        .find(|(_, log)| bytes.is_multiple_of(1 << log));
    match whole {
        Some((unit, log)) if bytes > 0 => format!("{}{unit}", bytes >> log),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_there_and_back() {
        for (written, bytes) in [("64", 64), ("4K", 4096), ("1M", 1 << 20), ("1500", 1500)] {
            assert_eq!(parse(written), Ok(bytes));
            assert_eq!(text(bytes), written);
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for written in [
            "",
            "K",
            "0",
            "-1",
            "4k",
            "1.5K",
            "64 K",
            "99999999999999999999G",
        ] {
            assert!(parse(written).is_err(), "{written}");
        }
    }
}
