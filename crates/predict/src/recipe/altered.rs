//! What else is done to pictures before they are resized: a draft, a JPEG round trip.

use boxwright_model::package::{Decode, Preprocess};

use super::candidates::{Geometry, Resampling};
use super::photo::{self, Base, Decoded, Photo};
use super::search::{Bases, Checked, Explained, Place, Search};
use super::target::Target;
use crate::error::Result;

/// Places with filters that are looked at first: what was done before changes little, so that the
/// right ones are among the nearest.
const NEAREST: usize = 8;
/// Qualities of a JPEG, most usual first.
const QUALITIES: [u8; 9] = [75, 95, 90, 85, 80, 100, 70, 60, 50];

impl Search<'_> {
    /// The exact recipes with an alteration, of the places and filters that come nearest without.
    pub(super) fn altered(
        &self,
        bases: &Bases,
        target: &Target,
        places: &[Place],
        explained: &[Explained],
    ) -> Vec<Checked> {
        let mut nearest: Vec<(&Geometry, &[Geometry], Resampling)> = Vec::new();
        for found in explained {
            let place = &places[found.place];
            let known = |(geometry, _, resampling): &(&Geometry, _, Resampling)| {
                **geometry == place.geometry && *resampling == found.resampling
            };
            if nearest.len() < NEAREST && !nearest.iter().any(known) {
                nearest.push((&place.geometry, &place.same, found.resampling));
            }
        }
        let Some(best) = explained.first() else {
            return Vec::new();
        };
        let base = places[best.place].base;
        for way in ways(bases, base) {
            if self.over() {
                break;
            }
            let mut found = self.with_alteration(target, &nearest, way);
            found.retain(|found| found.difference.differing == 0);
            for found in &mut found {
                found.base = base;
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The recipes of these places and filters with an alteration.
    fn with_alteration(
        &self,
        target: &Target,
        nearest: &[(&Geometry, &[Geometry], Resampling)],
        way: Preprocess,
    ) -> Vec<Checked> {
        // A draft depends on the size that is asked for, and so do the photos.
        let mut asked: Vec<Option<(u32, u32)>> = Vec::new();
        for (geometry, ..) in nearest {
            let size = draft(&way, geometry, target);
            if !asked.contains(&size) {
                asked.push(size);
            }
        }
        let mut checked = Vec::new();
        for draft_size in asked {
            let decode = |bytes: &Vec<u8>| photo::decode(bytes, &way, draft_size, self.max_pixels);
            let Some(Ok(first)) = self.photos.first().map(decode) else {
                continue;
            };
            let size = (first.picture.width, first.picture.height);
            let base = Base {
                preprocess: way.clone(),
                same: Vec::new(),
            };
            let mut bases = [(base, vec![first])];
            let alike = nearest
                .iter()
                .filter(|(geometry, ..)| draft(&way, geometry, target) == draft_size);
            let (mut places, mut pairs) = (Vec::new(), Vec::new());
            for (geometry, same, resampling) in alike {
                if let Some(placement) = geometry.place(target, size) {
                    pairs.push((places.len(), *resampling));
                    places.push(Place {
                        base: 0,
                        geometry: (*geometry).clone(),
                        placement,
                        same: same.to_vec(),
                        score: 0.0,
                    });
                }
            }
            let explained = self.explain_all(1.0, &bases, target, &places, &pairs);
            let fits: Vec<&Explained> = explained.iter().filter(|e| e.fits(target)).collect();
            if fits.is_empty() {
                continue;
            }
            let others: Result<Vec<Photo>> = self.photos[1..].iter().map(decode).collect();
            let Ok(others) = others else { continue };
            bases[0].1.extend(others);
            checked.extend(self.check_all(&bases, &places, &fits));
        }
        checked
    }
}

/// The alterations, of photos as Pillow reads them. What is altered may look as if another library
/// had decoded it; and where the first photo isn't turned, another one may be.
fn ways(bases: &Bases, best: usize) -> Vec<Preprocess> {
    let base = &bases[best].0.preprocess;
    let pillow = |exif: bool| Preprocess {
        decode: Decode::Pillow,
        exif,
        ..base.clone()
    };
    let mut turns = vec![pillow(base.exif)];
    let other = pillow(!base.exif);
    // Both give the same pixels where no photo is turned.
    let alone = |(base, _): &Decoded| {
        let all: Vec<&Preprocess> = std::iter::once(&base.preprocess)
            .chain(&base.same)
            .collect();
        all.contains(&&other) && !all.contains(&&turns[0])
    };
    if bases.iter().any(alone) {
        turns.push(other);
    }
    let drafts = turns.iter().map(|turn| Preprocess {
        draft: true,
        ..turn.clone()
    });
    let trips = QUALITIES.iter().flat_map(|quality| {
        turns.iter().map(|turn| Preprocess {
            jpeg_quality: Some(*quality),
            ..turn.clone()
        })
    });
    drafts.chain(trips).collect()
}

/// The size that Pillow's `Image.draft` is asked for.
fn draft(way: &Preprocess, geometry: &Geometry, target: &Target) -> Option<(u32, u32)> {
    way.draft.then(|| {
        let (width, height) = (target.width as u32, target.height as u32);
        geometry
            .preprocess
            .size
            .map_or((width, height), |side| (side, side))
    })
}
