//! The search from tensors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boxwright_model::package::{self, Decode, Filter, ImageDtype, Preprocess, Resize};
use boxwright_model::recipe::{Evidence, Recipe, RecipeReport, Verdict};

use super::candidates::{self, Geometry, Resampling};
use super::coarse::{self, SummedArea};
use super::complete::complete;
use super::explain::{bands, explain};
use super::fit::{Line, Order, Residual};
use super::found::Found;
use super::heat;
use super::parallel::parallel;
use super::photo::{self, Base, Photo};
use super::ranking::{cost, decoded_alike, input, none};
use super::target::Target;
use super::verify::{Comparison, Difference};
use crate::error::{Error, Result};
use crate::stage::decode::Picture;
use crate::stage::geometry::Placement;
use crate::stage::resize::Kernel;

/// Longest that a search takes but for what it has begun.
const PATIENCE: Duration = Duration::from_millis(8500);
/// Places that are looked at by rows, and by all filters.
const PLACES: usize = 32;
const FINALISTS: usize = 8;
/// A photo of which less than this is explained is another one.
const ANOTHER_PHOTO: f64 = 0.3;
/// A recipe that is further off, in levels (root mean square), is none.
const NOT_NEAR: f64 = 12.0;
/// Recipes that are listed as doing as well.
const LISTED: usize = 24;

/// What is searched, and how long.
pub(super) struct Search<'a> {
    pub photos: &'a [Vec<u8>],
    pub targets: &'a [Target],
    pub max_pixels: u64,
    pub threads: usize,
    pub cancel: &'a AtomicBool,
    started: Instant,
}

/// A place on a base's first photo.
struct Place {
    base: usize,
    geometry: Geometry,
    placement: Placement,
    /// Geometries that place the first photo there too.
    same: Vec<Geometry>,
    score: f64,
}

/// A place with a filter, and how well it explains the tensor.
struct Explained {
    place: usize,
    resampling: Resampling,
    lines: Vec<Line>,
    residual: Residual,
}

/// A whole recipe, held against all photos.
struct Checked {
    base: usize,
    recipe: Recipe,
    difference: Difference,
    cost: u32,
}

impl<'a> Search<'a> {
    pub fn new(
        photos: &'a [Vec<u8>],
        targets: &'a [Target],
        max_pixels: u64,
        threads: usize,
        cancel: &'a AtomicBool,
    ) -> Self {
        Self {
            photos,
            targets,
            max_pixels,
            threads,
            cancel,
            started: Instant::now(),
        }
    }

    /// Finds the recipe.
    pub fn run(&self) -> Result<Found> {
        let Some(target) = self.targets.first() else {
            return Err(Error::Shape("There is no tensor to compare with.".into()));
        };
        let bases = photo::distinct(self.photos, target.channels, self.max_pixels)?;
        let mut places = self.places(&bases, target);
        if places.is_empty() {
            return Ok(none(self.started.elapsed()));
        }
        self.by_bands(&bases, target, &mut places);
        let mut checked = self.by_filters(&bases, target, &places)?;
        if !checked.iter().any(|found| found.difference.differing == 0) {
            checked.extend(self.altered(&bases, target, &places)?);
        }
        self.report(&bases, checked)
    }

    fn over(&self) -> bool {
        self.cancel.load(Ordering::Relaxed) || self.started.elapsed() > PATIENCE
    }

    /// The places where the cell means fit best.
    fn places(&self, bases: &[(Base, Vec<Photo>)], target: &Target) -> Vec<Place> {
        let target_sums = SummedArea::of_target(target);
        let mut places: Vec<Place> = Vec::new();
        for (index, (_, photos)) in bases.iter().enumerate() {
            let Some(photo) = photos.first() else {
                continue;
            };
            let sums = SummedArea::of_picture(&photo.picture);
            let size = (photo.picture.width, photo.picture.height);
            let score = |geometry: &Geometry| {
                let placement = geometry.place(target, size)?;
                let score = coarse::unexplained(&sums, &target_sums, &placement);
                Some((score, placement))
            };
            let mut geometries = candidates::plain(target);
            geometries.extend(candidates::limited(self.targets));
            geometries.extend(self.sizes(target, size, &score));
            for geometry in geometries {
                let Some((score, placement)) = score(&geometry) else {
                    continue;
                };
                let known = places
                    .iter_mut()
                    .find(|place| place.base == index && place.placement == placement);
                match known {
                    Some(place) => place.same.push(geometry),
                    None => places.push(Place {
                        base: index,
                        geometry,
                        placement,
                        same: Vec::new(),
                        score,
                    }),
                }
            }
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
    fn by_bands(&self, bases: &[(Base, Vec<Photo>)], target: &Target, places: &mut Vec<Place>) {
        let probes = [Filter::Bilinear, Filter::OpenCvLinear, Filter::Nearest];
        let scores = self.parallel(places.len(), |index| {
            let place = &places[index];
            let of = |filter| {
                let resampling = (filter, None, package::Depth::U8);
                self.explain(bases, target, place, resampling)
                    .map_or(f64::INFINITY, |(_, _, residual)| residual.rms())
            };
            probes.into_iter().map(of).fold(f64::INFINITY, f64::min)
        });
        for (place, score) in places.iter_mut().zip(scores) {
            place.score = score.unwrap_or(f64::INFINITY);
        }
        places.sort_by(|a, b| a.score.total_cmp(&b.score));
        places.truncate(FINALISTS);
    }

    /// How well a place with a filter explains the tensor of the first photo.
    fn explain(
        &self,
        bases: &[(Base, Vec<Photo>)],
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

    /// All filters at the best places, and the recipes of those that fit.
    fn by_filters(
        &self,
        bases: &[(Base, Vec<Photo>)],
        target: &Target,
        places: &[Place],
    ) -> Result<Vec<Checked>> {
        let resamplings = candidates::resamplings();
        let count = places.len() * resamplings.len();
        let explained = self.parallel(count, |index| {
            let (place, resampling) = (index / resamplings.len(), index % resamplings.len());
            let resampling = resamplings[resampling];
            let (_, lines, residual) = self.explain(bases, target, &places[place], resampling)?;
            Some(Explained {
                place,
                resampling,
                lines,
                residual,
            })
        });
        let mut found: Vec<Explained> = explained.into_iter().flatten().flatten().collect();
        found.sort_by(|a, b| a.residual.rms().total_cmp(&b.residual.rms()));
        let fits = |found: &&Explained| found.residual.worst <= tolerance(target, found);
        let mut chosen: Vec<&Explained> = found.iter().filter(fits).collect();
        if chosen.is_empty() {
            chosen = found.iter().take(2).collect();
        }
        chosen.truncate(LISTED);
        let checked = self.parallel(chosen.len(), |index| {
            self.check(bases, &places[chosen[index].place], chosen[index])
        });
        let checked: Result<Vec<Vec<Checked>>> = checked.into_iter().flatten().collect();
        Ok(checked?.into_iter().flatten().collect())
    }

    /// The recipes of a place with a filter: of all geometries that place the photos there.
    fn check(
        &self,
        bases: &[(Base, Vec<Photo>)],
        place: &Place,
        found: &Explained,
    ) -> Result<Vec<Checked>> {
        let (base, photos) = &bases[place.base];
        let pictures: Vec<&Picture> = photos.iter().map(|photo| &photo.picture).collect();
        let mut all = Vec::new();
        for geometry in std::iter::once(&place.geometry).chain(&place.same) {
            let preprocess = candidates::with(&geometry.over(&base.preprocess), found.resampling);
            let checked = complete(
                self.targets,
                self.max_pixels,
                geometry,
                preprocess,
                &pictures,
                &place.placement,
            )?;
            all.extend(checked.map(|(recipe, difference)| Checked {
                base: place.base,
                cost: cost(&recipe),
                recipe,
                difference,
            }));
        }
        Ok(all)
    }

    /// What else is done to pictures before they are resized: a draft, a JPEG round trip.
    fn altered(
        &self,
        bases: &[(Base, Vec<Photo>)],
        target: &Target,
        places: &[Place],
    ) -> Result<Vec<Checked>> {
        let mut all = Vec::new();
        let Some(best) = places.first() else {
            return Ok(all);
        };
        let base = &bases[best.base].0.preprocess;
        // What is altered may look as if another library had decoded it.
        let base = &Preprocess {
            decode: Decode::Pillow,
            ..base.clone()
        };
        let mut ways = vec![Preprocess {
            draft: true,
            ..base.clone()
        }];
        for quality in [75, 95, 90, 85, 80, 100, 70, 60, 50] {
            ways.push(Preprocess {
                jpeg_quality: Some(quality),
                ..base.clone()
            });
        }
        for way in ways {
            if self.over() {
                break;
            }
            let found = self.with_alteration(target, best, way)?;
            let exact = found.iter().any(|found| found.difference.differing == 0);
            all.extend(found);
            if exact {
                break;
            }
        }
        Ok(all)
    }

    fn with_alteration(
        &self,
        target: &Target,
        best: &Place,
        way: Preprocess,
    ) -> Result<Vec<Checked>> {
        let draft = way.draft.then(|| {
            let side = best.geometry.preprocess.size;
            let (width, height) = (target.width as u32, target.height as u32);
            side.map_or((width, height), |side| (side, side))
        });
        let photos: Result<Vec<Photo>> = self
            .photos
            .iter()
            .map(|bytes| photo::decode(bytes, &way, draft, self.max_pixels))
            .collect();
        let Ok(photos) = photos else {
            return Ok(Vec::new());
        };
        let size = photos
            .first()
            .map_or((0, 0), |photo| (photo.picture.width, photo.picture.height));
        let Some(placement) = best.geometry.place(target, size) else {
            return Ok(Vec::new());
        };
        let base = Base {
            preprocess: way,
            same: Vec::new(),
        };
        let place = Place {
            base: 0,
            geometry: best.geometry.clone(),
            placement,
            same: best.same.clone(),
            score: 0.0,
        };
        let mut checked = self.by_filters(&[(base, photos)], target, &[place])?;
        checked.retain(|found| found.difference.differing == 0);
        for found in &mut checked {
            found.base = best.base;
        }
        Ok(checked)
    }

    /// The answer: the simplest of the exact recipes, else the nearest.
    fn report(&self, bases: &[(Base, Vec<Photo>)], mut checked: Vec<Checked>) -> Result<Found> {
        checked.sort_by(|a, b| {
            let exact = |checked: &Checked| checked.difference.differing > 0;
            let key = |checked: &Checked| {
                let differing = checked.difference.differing;
                if differing == 0 { checked.cost } else { 0 }
            };
            exact(a)
                .cmp(&exact(b))
                .then(key(a).cmp(&key(b)))
                .then(a.difference.sum.total_cmp(&b.difference.sum))
                .then(a.cost.cmp(&b.cost))
        });
        let Some(best) = checked.first() else {
            return Ok(none(self.started.elapsed()));
        };
        let exact = best.difference.differing == 0;
        let rms = best.difference.mean();
        let verdict = match exact {
            true => Verdict::Exact,
            false if rms <= NOT_NEAR => Verdict::Near,
            false => Verdict::None,
        };
        let mut same: Vec<Recipe> = Vec::new();
        if exact {
            let others = checked[1..].iter();
            let others = others.filter(|other| other.difference.differing == 0);
            for other in others {
                if !same.contains(&other.recipe) && other.recipe != best.recipe {
                    same.push(other.recipe.clone());
                }
            }
            same.extend(decoded_alike(&bases[best.base].0, &best.recipe));
            same.truncate(LISTED);
        }
        let heat_map = match (exact, self.targets.first()) {
            (false, Some(target)) => Some(self.heat(target, &best.recipe)?),
            _ => None,
        };
        Ok(Found {
            report: RecipeReport {
                verdict,
                evidence: Evidence::Tensors,
                recipe: Some(best.recipe.clone()),
                same,
                max_difference: best.difference.max,
                mean_difference: best.difference.mean(),
                differing: best.difference.differing,
                compared: best.difference.count,
                elapsed_ms: self.started.elapsed().as_secs_f64() * 1000.0,
            },
            heat_map,
        })
    }

    fn heat(&self, target: &Target, recipe: &Recipe) -> Result<Vec<u8>> {
        let bytes = self.photos.first().map(Vec::as_slice).unwrap_or_default();
        let photo = photo::decode(bytes, &recipe.preprocess, None, self.max_pixels)?;
        let input = input(recipe);
        heat::map(
            &mut Comparison::new(self.max_pixels),
            &photo.picture,
            &input,
            target,
        )
    }

    /// [`parallel`] until the search is cancelled: without its result there is no answer at all, and
    /// no answer is not the same as no recipe.
    fn parallel<T: Send>(&self, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<Option<T>> {
        let cancelled = || self.cancel.load(Ordering::Relaxed);
        parallel(self.threads, count, &cancelled, work)
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
