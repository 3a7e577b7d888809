//! Sizes and times as they are written on the command line: with their units.

use std::time::Duration;

/// A size with its unit.
pub(super) fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let (number, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(*unit)
}

/// A pace that can be followed.
pub(super) fn pace(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_millis(100) {
        return Err("faster than ten steps a second; write a longer one, such as 500ms or 3s".to_owned());
    }
    Ok(duration)
}

/// A size with its unit, of a megabyte at the least.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size; write a whole number with its unit, such as 100MB or 2GB".to_owned();
    let bytes = bytes(text).ok_or_else(wrong)?;
    if bytes < 1_000_000 {
        return Err("smaller than 1MB; write a larger one, such as 100MB".to_owned());
    }
    Ok(bytes)
}

/// A duration with its unit, between nothing and a day.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let duration = humantime::parse_duration(text)
        .map_err(|_| "not a duration; write a number with its unit, such as 300ms or 2s".to_owned())?;
    if duration > LONGEST {
        return Err("longer than a day; write a shorter one, such as 300ms or 2s".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_are_no_smaller_than_a_megabyte() {
        assert_eq!(size("100MB"), Ok(100_000_000));
        assert_eq!(size("2GB"), Ok(2_000_000_000));
        for bad in ["100", "", "MB", "1kB", "-1MB", "99999999999999999999GB", "1.5GB"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_have_units_and_are_no_longer_than_a_day() {
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        for bad in ["2", "", "-1s", "fast", "25h", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
