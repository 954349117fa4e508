//! Where on a photo a tensor may be of: by cell means, then by a few rows.

use boxwright_model::package::{Depth, Filter, Resize};

use super::candidates::{self, Geometry};
use super::coarse::{self, SummedArea};
use super::search::{Bases, FILTERED, PLACED, Place, Search, views};
use super::target::Target;
use crate::stage::geometry::Placement;

/// Places that are looked at by rows, and by all filters.
const PLACES: usize = 40;
const FINALISTS: usize = 8;
/// A photo of which less than this is explained is another one.
const ANOTHER_PHOTO: f64 = 0.3;

impl Search<'_> {
    /// The places where the cell means fit best, on one of the ways to decode that show the same.
    pub(super) fn places(&self, bases: &Bases, target: &Target) -> Vec<Place> {
        let target_sums = SummedArea::of_target(target);
        let views = views(bases);
        let mut places: Vec<Place> = Vec::new();
        for (index, (_, photos)) in bases.iter().enumerate() {
            let Some(photo) = photos.first() else {
                continue;
            };
            if views[..index].contains(&views[index]) {
                continue;
            }
            let sums = SummedArea::of_picture(&photo.picture);
            let size = (photo.picture.width, photo.picture.height);
            let score = |geometry: &Geometry| {
                let placement = geometry.place(target, size)?;
                let score = coarse::unexplained(&sums, &target_sums, &placement);
                Some((score, placement))
            };
            let mut geometries = candidates::plain(target);
            geometries.extend(candidates::limited(self.targets));
            if !self.past(FILTERED) {
                geometries.extend(self.sizes(target, size, &score));
            }
            let mut own: Vec<Place> = Vec::new();
            for geometry in geometries {
                let Some((score, placement)) = score(&geometry) else {
                    continue;
                };
                match own.iter_mut().find(|place| place.placement == placement) {
                    Some(place) => place.same.push(geometry),
                    None => own.push(Place {
                        base: index,
                        geometry,
                        placement,
                        same: Vec::new(),
                        score,
                    }),
                }
            }
            places.extend(own);
        }
        places.retain(|place| place.score <= ANOTHER_PHOTO);
        places.sort_by(|a, b| a.score.total_cmp(&b.score));
        let most = places.first().map_or(0.0, |best| best.score * 6.0 + 0.03);
        places.retain(|place| place.score <= most);
        places.truncate(PLACES);
        places
    }

    /// Centre crops by the sizes that fit best.
    fn sizes(
        &self,
        target: &Target,
        photo: (usize, usize),
        score: &dyn Fn(&Geometry) -> Option<(f64, Placement)>,
    ) -> Vec<Geometry> {
        let side = target.width.min(target.height) as u32;
        let mut all = Vec::new();
        for resize in [Resize::ShortSide, Resize::LongSide, Resize::Stretch] {
            let mut scored: Vec<(f64, u32)> = candidates::sizes(target, photo)
                .filter_map(|size| {
                    let geometry = candidates::cropped(target, resize, size)
                        .into_iter()
                        .next()?;
                    Some((score(&geometry)?.0, size))
                })
                .collect();
            scored.sort_by(|a, b| a.0.total_cmp(&b.0));
            let usual = |(rank, (_, size)): &(usize, &(f64, u32))| {
                *rank < 5 || (*rank < 24 && candidates::oddness(*size, side) < 2)
            };
            let sizes = scored
                .iter()
                .enumerate()
                .filter(usual)
                .map(|(_, (_, size))| *size);
            all.extend(sizes.flat_map(|size| candidates::cropped(target, resize, size)));
        }
        all
    }

    /// Ranks the places by a few rows and the most common filters, and keeps the best.
    pub(super) fn by_bands(&self, bases: &Bases, target: &Target, places: &mut Vec<Place>) {
        // Pixels that are left out are others by each way to find the nearest.
        let probes = [
            Filter::Bilinear,
            Filter::OpenCvLinear,
            Filter::Nearest,
            Filter::OpenCvNearest,
        ];
        let scores = self.parallel(PLACED, places.len(), |index| {
            let place = &places[index];
            let of = |filter| {
                let resampling = (filter, None, Depth::U8);
                self.explain(bases, target, place, resampling)
                    .map_or(f64::INFINITY, |(_, _, residual)| residual.rms())
            };
            probes.into_iter().map(of).fold(f64::INFINITY, f64::min)
        });
        for (place, score) in places.iter_mut().zip(scores) {
            place.score = score.unwrap_or(f64::INFINITY);
        }
        places.sort_by(|a, b| a.score.total_cmp(&b.score));
        let most = places.first().map_or(0.0, |best| best.score * 3.0 + 1.0);
        places.retain(|place| place.score <= most);
        places.truncate(FINALISTS);
    }
}
