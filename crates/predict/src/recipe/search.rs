//! The search from tensors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boxwright_model::package::{ImageDtype, Preprocess, Resize};
use boxwright_model::recipe::Recipe;

use super::candidates::{self, Geometry, Resampling};
use super::complete::complete;
use super::explain::{bands, explain};
use super::fit::{Line, Order, Residual};
use super::parallel::parallel;
use super::photo::{self, Decoded, Photo};
use super::ranking::cost;
use super::target::Target;
use super::verify::Difference;
use crate::error::{Error, Result};
use crate::stage::decode::Picture;
use crate::stage::geometry::Placement;
use crate::stage::resize::Kernel;

/// Places with filters that are looked at by the other ways to decode.
const DECODED_OTHERWISE: usize = 48;
/// Recipes that are checked on all photos.
const CHECKED: usize = 24;
/// The parts of its time after which a search has decoded the photos, knows the places, and has
/// looked at all filters: what is left is for whole recipes.
const DECODED: f64 = 0.4;
pub(super) const PLACED: f64 = 0.55;
pub(super) const FILTERED: f64 = 0.8;

/// What is searched, and how long.
pub(super) struct Search<'a> {
    pub photos: &'a [Vec<u8>],
    pub targets: &'a [Target],
    pub max_pixels: u64,
    pub threads: usize,
    pub cancel: &'a AtomicBool,
    /// Longest that it takes but for what it has begun.
    pub patience: Duration,
    pub(super) started: Instant,
    /// Whether something was left out for want of time.
    pub(super) cut_short: AtomicBool,
}

/// A place on a base's first photo.
pub(super) struct Place {
    pub base: usize,
    pub geometry: Geometry,
    pub placement: Placement,
    /// Geometries that place the first photo there too.
    pub same: Vec<Geometry>,
    pub score: f64,
}

/// A place with a filter, and how well it explains the tensor.
pub(super) struct Explained {
    pub place: usize,
    pub resampling: Resampling,
    lines: Vec<Line>,
    residual: Residual,
}

/// A whole recipe, held against all photos.
pub(super) struct Checked {
    pub base: usize,
    pub recipe: Recipe,
    pub difference: Difference,
    pub cost: u32,
}

/// A whole recipe, and how far it is off; `None` where there is none.
type Completed = Option<(Recipe, Difference)>;

/// The ways to decode that give other pixels, with the photos by each.
pub(super) type Bases = [Decoded];

impl<'a> Search<'a> {
    pub fn new(
        photos: &'a [Vec<u8>],
        targets: &'a [Target],
        max_pixels: u64,
        threads: usize,
        cancel: &'a AtomicBool,
        patience: Duration,
    ) -> Self {
        Self {
            photos,
            targets,
            max_pixels,
            threads,
            cancel,
            patience,
            started: Instant::now(),
            cut_short: AtomicBool::new(false),
        }
    }

    /// The ways to decode, and whole recipes, the exact ones among them or the nearest. Of a search
    /// that was cancelled nothing is sure.
    ///
    /// # Errors
    /// [`Error::Sample`] for a photo that can't be decoded.
    pub fn run(&self) -> Result<(Vec<Decoded>, Vec<Checked>)> {
        let Some(target) = self.targets.first() else {
            return Err(Error::Shape("There is no tensor to compare with.".into()));
        };
        let late = || self.past(DECODED);
        let bases = photo::distinct(self.photos, target.channels, self.max_pixels, &late)?;
        let mut places = self.places(&bases, target);
        self.by_bands(&bases, target, &mut places);
        let explained = self.by_filters(&bases, target, &mut places);
        let fitting = fitting(target, &explained);
        let mut checked = self.check_all(&bases, &places, &fitting);
        if !checked.iter().any(|found| found.difference.differing == 0) {
            checked.extend(self.altered(&bases, target, &places, &explained));
        }
        Ok((bases, checked))
    }

    /// Whether the search is cancelled, or this part of its time has gone by.
    pub(super) fn past(&self, part: f64) -> bool {
        let late = self.started.elapsed() > self.patience.mul_f64(part);
        if late {
            self.cut_short.store(true, Ordering::Relaxed);
        }
        late || self.cancel.load(Ordering::Relaxed)
    }

    /// Whether the search is cancelled, or its time is up.
    pub(super) fn over(&self) -> bool {
        self.past(1.0)
    }

    /// How well a place with a filter explains the tensor of the first photo.
    pub(super) fn explain(
        &self,
        bases: &Bases,
        target: &Target,
        place: &Place,
        resampling: Resampling,
    ) -> Option<(Order, Vec<Line>, Residual)> {
        let (base, photos) = &bases[place.base];
        let preprocess = candidates::with(&place.geometry.over(&base.preprocess), resampling);
        let rows = bands(place.placement.region.height);
        explain(
            &photos.first()?.picture,
            target,
            &place.placement,
            &preprocess,
            &rows,
        )
    }

    /// All filters at the best places, those that explain most first; and the best of them by the
    /// other ways to decode, which change little.
    fn by_filters(
        &self,
        bases: &Bases,
        target: &Target,
        places: &mut Vec<Place>,
    ) -> Vec<Explained> {
        let resamplings = candidates::resamplings();
        let pairs: Vec<(usize, Resampling)> = (0..places.len())
            .flat_map(|place| {
                let resamplings = resamplings.iter();
                resamplings.map(move |resampling| (place, *resampling))
            })
            .collect();
        let mut explained = self.explain_all(FILTERED, bases, target, places, &pairs);
        let views = views(bases);
        let (mut others, mut pairs) = (Vec::new(), Vec::new());
        for found in explained.iter().take(DECODED_OTHERWISE) {
            let place = &places[found.place];
            let alike = |base: &usize| *base != place.base && views[*base] == views[place.base];
            for base in (0..bases.len()).filter(alike) {
                pairs.push((places.len() + others.len(), found.resampling));
                others.push(Place {
                    base,
                    geometry: place.geometry.clone(),
                    same: place.same.clone(),
                    ..*place
                });
            }
        }
        places.extend(others);
        explained.extend(self.explain_all(FILTERED, bases, target, places, &pairs));
        explained.sort_by(|a, b| a.residual.rms().total_cmp(&b.residual.rms()));
        explained
    }

    /// Places with filters, those that explain most first, until this part of the time has gone by.
    pub(super) fn explain_all(
        &self,
        part: f64,
        bases: &Bases,
        target: &Target,
        places: &[Place],
        pairs: &[(usize, Resampling)],
    ) -> Vec<Explained> {
        let of = |(place, resampling): (usize, Resampling)| {
            let (_, lines, residual) = self.explain(bases, target, &places[place], resampling)?;
            Some(Explained {
                place,
                resampling,
                lines,
                residual,
            })
        };
        let explained = self.parallel(part, pairs.len(), |index| of(pairs[index]));
        let mut found: Vec<Explained> = explained.into_iter().flatten().flatten().collect();
        if found.is_empty() {
            // However late it is: without any there is no answer.
            found.extend(pairs.first().and_then(|first| of(*first)));
        }
        found.sort_by(|a, b| a.residual.rms().total_cmp(&b.residual.rms()));
        found
    }

    /// The recipes of places with filters, on all photos. The first is checked however late it is:
    /// without it there is no answer.
    pub(super) fn check_all(
        &self,
        bases: &Bases,
        places: &[Place],
        chosen: &[&Explained],
    ) -> Vec<Checked> {
        let check = |explained: &Explained| self.check(bases, &places[explained.place], explained);
        let Some((first, others)) = chosen.split_first() else {
            return Vec::new();
        };
        let mut checked = check(first);
        let more = self.parallel(1.0, others.len(), |index| check(others[index]));
        checked.extend(more.into_iter().flatten().flatten());
        checked
    }

    /// The recipes of a place with a filter: of all geometries that place the photos there.
    fn check(&self, bases: &Bases, place: &Place, found: &Explained) -> Vec<Checked> {
        let (base, photos) = &bases[place.base];
        let pictures: Vec<&Picture> = photos.iter().map(|photo| &photo.picture).collect();
        let mut all: Vec<Checked> = Vec::new();
        // Where each photo lands by the geometries so far, and what that came to.
        let mut known: Vec<(Resize, Vec<Option<Placement>>, Completed)> = Vec::new();
        for geometry in std::iter::once(&place.geometry).chain(&place.same) {
            if !all.is_empty() && self.over() {
                break;
            }
            let lands = |(picture, target): (&&Picture, &Target)| {
                geometry.place(target, (picture.width, picture.height))
            };
            let lands: Vec<_> = pictures.iter().zip(self.targets).map(lands).collect();
            let preprocess = candidates::with(&geometry.over(&base.preprocess), found.resampling);
            let resize = geometry.preprocess.resize;
            let alike = |(kind, there, _): &&(Resize, _, _)| (*kind, there) == (resize, &lands);
            let checked = match known.iter().find(alike) {
                Some((.., completed)) => completed
                    .as_ref()
                    .map(|(recipe, difference)| (geometry.also(recipe), difference.clone())),
                None => {
                    let completed = complete(
                        self.targets,
                        self.max_pixels,
                        geometry,
                        preprocess,
                        &pictures,
                        &place.placement,
                    );
                    known.push((resize, lands, completed.clone()));
                    completed
                }
            };
            all.extend(checked.map(|(recipe, difference)| Checked {
                base: place.base,
                cost: cost(&recipe),
                recipe,
                difference,
            }));
        }
        all
    }

    /// [`parallel`] until the search is cancelled, or this part of its time has gone by: what is
    /// `None` then was left out.
    pub(super) fn parallel<T: Send>(
        &self,
        part: f64,
        count: usize,
        work: impl Fn(usize) -> T + Sync,
    ) -> Vec<Option<T>> {
        parallel(self.threads, count, &|| self.past(part), work)
    }
}

/// What each way to decode shows of the first photo: its size, and whether it lies as it is stored.
/// Ways that show the same differ in a few levels at most.
pub(super) fn views(bases: &Bases) -> Vec<(usize, usize, bool)> {
    let first = |photos: &[Photo]| {
        photos
            .first()
            .map(|photo| photo.picture.details.orientation)
    };
    let is_turned = bases
        .iter()
        .any(|(_, photos)| first(photos).is_some_and(|tag| tag != 1));
    let view = |(base, photos): &Decoded| {
        let picture = photos.first().map(|photo| &photo.picture);
        let (width, height) = picture.map_or((0, 0), |picture| (picture.width, picture.height));
        (width, height, is_turned && !base.preprocess.exif)
    };
    bases.iter().map(view).collect()
}

/// The filters that fit; where none does, the two that come nearest.
fn fitting<'a>(target: &Target, explained: &'a [Explained]) -> Vec<&'a Explained> {
    let fits = explained.iter().filter(|found| found.fits(target));
    let chosen: Vec<&Explained> = fits.take(CHECKED).collect();
    match chosen.is_empty() {
        true => explained.iter().take(2).collect(),
        false => chosen,
    }
}

impl Explained {
    /// Whether the filter is off by no more than the tensor's numbers are.
    pub(super) fn fits(&self, target: &Target) -> bool {
        self.residual.worst <= tolerance(target, self)
    }
}

/// Most that a fitting filter is off, in levels.
fn tolerance(target: &Target, found: &Explained) -> f64 {
    let kernel_gives_bytes = {
        let preprocess = candidates::with(&Preprocess::default(), found.resampling);
        Kernel::of(&preprocess).gives_bytes()
    };
    match target.dtype {
        ImageDtype::F32 => 0.02,
        ImageDtype::U8 if kernel_gives_bytes => 0.02,
        ImageDtype::U8 => 0.52,
        ImageDtype::F16 => {
            let largest = target
                .planes
                .iter()
                .fold(0.0f32, |most, v| most.max(v.abs()));
            let scale = found
                .lines
                .iter()
                .map(|line| line.scale.abs())
                .fold(f64::MAX, f64::min);
            0.02 + f64::from(largest) * 2f64.powi(-10) / scale.max(1e-12)
        }
    }
}
