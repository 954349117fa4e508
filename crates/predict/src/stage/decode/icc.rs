//! The name of an embedded colour profile. Nothing is converted by it: notebooks don't, either.

/// The most of a profile that is looked at; descriptions are at the start.
pub(super) const MOST: usize = 64 << 10;

/// The most characters of a name that are kept.
const LONGEST: usize = 100;

/// What the profile is called, or `None` where it is sRGB, which changes nothing.
pub(super) fn name(profile: &[u8]) -> Option<String> {
    let profile = &profile[..profile.len().min(MOST)];
    let name = description(profile).unwrap_or_default();
    let lower = name.to_lowercase();
    if lower.contains("srgb") && !lower.contains("linear") {
        return None;
    }
    Some(if name.is_empty() {
        "a profile without a name".into()
    } else {
        name
    })
}

/// The text of the profile's `desc` tag, in its first language.
fn description(profile: &[u8]) -> Option<String> {
    let count = u32_at(profile, 128)?.min(200) as usize;
    let entry = (0..count)
        .map(|index| 132 + index * 12)
        .find(|at| profile.get(*at..at + 4) == Some(b"desc"))?;
    let start = u32_at(profile, entry + 4)? as usize;
    let tag = profile.get(start..)?;
    let text = match tag.get(..4)? {
        b"desc" => {
            let length = u32_at(tag, 8)? as usize;
            let ascii = tag.get(12..12usize.checked_add(length)?)?;
            ascii.iter().map(|byte| char::from(*byte)).collect()
        }
        b"mluc" => {
            let (length, at) = (u32_at(tag, 20)? as usize, u32_at(tag, 24)? as usize);
            let utf16 = tag.get(at..at.checked_add(length)?)?;
            let units = utf16.as_chunks::<2>().0.iter().copied();
            char::decode_utf16(units.map(u16::from_be_bytes))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect::<String>()
        }
        _ => return None,
    };
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    Some(
        text.chars()
            .filter(|c| !c.is_control())
            .take(LONGEST)
            .collect(),
    )
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(tag: &[u8]) -> Vec<u8> {
        let mut profile = vec![0; 128];
        profile.extend(1u32.to_be_bytes());
        profile.extend(b"desc");
        profile.extend(144u32.to_be_bytes());
        profile.extend((tag.len() as u32).to_be_bytes());
        profile.extend(tag);
        profile
    }

    fn ascii(text: &str) -> Vec<u8> {
        let mut tag = b"desc\0\0\0\0".to_vec();
        tag.extend((text.len() as u32).to_be_bytes());
        tag.extend(text.as_bytes());
        profile(&tag)
    }

    #[test]
    fn both_kinds_of_description_are_read() {
        assert_eq!(name(&ascii("Display P3\0")).unwrap(), "Display P3");
        let mut tag = b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\x08\0\0\0\x1c".to_vec();
        tag.extend("P3 é".encode_utf16().flat_map(u16::to_be_bytes));
        assert_eq!(name(&profile(&tag)).unwrap(), "P3 é");
    }

    #[test]
    fn srgb_is_no_profile_to_speak_of() {
        assert_eq!(name(&ascii("sRGB IEC61966-2.1")), None);
        assert_eq!(name(&ascii("Linear sRGB")).unwrap(), "Linear sRGB");
        assert_eq!(name(b"").unwrap(), "a profile without a name");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_profile(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = name(&bytes);
            let _ = name(&profile(&bytes));
            let _ = name(&profile(&[b"mluc", bytes.as_slice()].concat()));
        }
    }
}
