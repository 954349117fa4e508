//! The search from tensors.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use boxwright_model::package::{Arithmetic, GreyOrder, ImageDtype, Preprocess, Resize, Scale};
use boxwright_model::pipeline::ImageInput;

use super::candidates::{self, Geometry, Resampling};
use super::coarse::{self, SummedArea};
use super::fit::{Line, Order, Residual, Sums};
use super::numbers::{self, Precision};
use super::photo::{self, Base, Photo};
use super::target::Target;
use super::verify::{Comparison, Difference};
use super::{Match, Recipe, Verdict, heat};
use crate::error::{Error, Result};
use crate::stage::decode::Picture;
use crate::stage::geometry::Placement;
use crate::stage::resize::{Depth, Kernel, Pixels, Region, Resizer, View};
use crate::stage::source::Grey;

/// Longest that a search takes but for what it has begun.
const PATIENCE: Duration = Duration::from_millis(8500);
/// Places that are looked at by rows, and by all filters.
const PLACES: usize = 32;
const FINALISTS: usize = 8;
/// Rows of a band.
const BAND: usize = 8;
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
struct Found {
    place: usize,
    resampling: Resampling,
    order: Order,
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
    pub fn run(&self) -> Result<Match> {
        let Some(target) = self.targets.first() else {
            return Err(Error::Shape("There is no tensor to compare with.".into()));
        };
        let bases = photo::distinct(self.photos, target.channels, self.max_pixels)?;
        let mut places = self.places(&bases, target);
        if places.is_empty() {
            return Ok(none());
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
        use boxwright_model::package::Filter;
        let probes = [Filter::Bilinear, Filter::OpenCvLinear, Filter::Nearest];
        let scores = self.parallel(places.len(), |index| {
            let place = &places[index];
            let of = |filter| {
                let resampling = (filter, None, boxwright_model::package::Depth::U8);
                self.explain(bases, target, place, resampling, false)
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
        whole: bool,
    ) -> Option<(Order, Vec<Line>, Residual)> {
        let (base, photos) = &bases[place.base];
        let preprocess = candidates::with(&place.geometry.over(&base.preprocess), resampling);
        let rows = match whole {
            true => vec![0..place.placement.region.height],
            false => bands(place.placement.region.height),
        };
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
            let (order, lines, residual) =
                self.explain(bases, target, &places[place], resampling, false)?;
            Some(Found {
                place,
                resampling,
                order,
                lines,
                residual,
            })
        });
        let mut found: Vec<Found> = explained.into_iter().flatten().flatten().collect();
        found.sort_by(|a, b| a.residual.rms().total_cmp(&b.residual.rms()));
        let fits = |found: &&Found| found.residual.worst <= tolerance(target, found);
        let mut chosen: Vec<&Found> = found.iter().filter(fits).collect();
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
        found: &Found,
    ) -> Result<Vec<Checked>> {
        let (base, photos) = &bases[place.base];
        let pictures: Vec<&Picture> = photos.iter().map(|photo| &photo.picture).collect();
        let mut all = Vec::new();
        for geometry in std::iter::once(&place.geometry).chain(&place.same) {
            let preprocess = candidates::with(&geometry.over(&base.preprocess), found.resampling);
            let checked = complete(
                self,
                geometry,
                preprocess,
                found,
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
        let mut ways = Vec::new();
        if base.decode == boxwright_model::package::Decode::Pillow {
            ways.push(Preprocess {
                draft: true,
                ..base.clone()
            });
        }
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
    fn report(&self, bases: &[(Base, Vec<Photo>)], mut checked: Vec<Checked>) -> Result<Match> {
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
            return Ok(none());
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
        Ok(Match {
            verdict,
            recipe: Some(best.recipe.clone()),
            same,
            max_difference: best.difference.max,
            mean_difference: best.difference.mean(),
            differing: (best.difference.differing, best.difference.count),
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

    /// `work` on every index, on all threads; `None` for what time did not suffice for.
    fn parallel<T: Send>(&self, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<Option<T>> {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, count.max(1)) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count || self.over() {
                            return;
                        }
                        let result = work(index);
                        let mut results = results
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner);
                        results[index] = Some(result);
                    }
                });
            }
        });
        results
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn none() -> Match {
    Match {
        verdict: Verdict::None,
        recipe: None,
        same: Vec::new(),
        max_difference: f64::INFINITY,
        mean_difference: f64::INFINITY,
        differing: (0, 0),
        heat_map: None,
    }
}

/// The model input that a recipe makes.
pub(super) fn input(recipe: &Recipe) -> ImageInput {
    ImageInput {
        name: String::new(),
        layout: recipe.layout,
        dtype: recipe.dtype,
        size: recipe.size,
        stride: recipe.stride,
        preprocess: recipe.preprocess.clone(),
        fixed_batch: None,
    }
}

/// Recipes that differ from this one by ways to decode that give the same pixels.
fn decoded_alike(base: &Base, recipe: &Recipe) -> Vec<Recipe> {
    let alike = |way: &Preprocess| {
        let mut recipe = recipe.clone();
        (recipe.preprocess.decode, recipe.preprocess.exif) = (way.decode, way.exif);
        recipe
    };
    base.same.iter().map(alike).collect()
}

/// How far a recipe is from what most people do; of several exact ones the least is named.
fn cost(recipe: &Recipe) -> u32 {
    let preprocess = &recipe.preprocess;
    let library = match preprocess.filter.name() {
        name if name.starts_with("format1") => 40,
        name if name.starts_with("torchvision") => 4,
        name if name.starts_with("opencv") => 5,
        name if name.starts_with("tensorflow") => 6,
        _ => 0,
    };
    let side = recipe
        .size
        .map_or(0, |(width, height)| width.min(height) as u32);
    let size = match (preprocess.size, preprocess.resize) {
        (Some(size), Resize::ShortSide) => candidates::oddness(size, side),
        (Some(size), _) => 2 + candidates::oddness(size, side),
        (None, _) => 0,
    };
    let rounding = preprocess.long_side.map_or(0, |rounding| rounding as u32);
    let arithmetic = u32::from(preprocess.arithmetic != Arithmetic::Fused);
    let crop = u32::from(preprocess.crop == boxwright_model::package::Crop::CenterFloor);
    let depth = preprocess.resize_in as u32;
    let align = preprocess.align as u32;
    let resize = match preprocess.resize {
        Resize::Stretch | Resize::ShortSide => 0,
        Resize::None => 1,
        Resize::Letterbox | Resize::LongSide => 2,
        Resize::Thumbnail => 3,
    };
    let central = u32::from(preprocess.central_crop.is_some()) * 3;
    library + size + rounding + arithmetic + crop + depth + align + resize + central
}

/// A few rows from the upper and the lower part.
fn bands(height: usize) -> Vec<Range<usize>> {
    if height <= 3 * BAND {
        return vec![0..height];
    }
    let from = |part: usize| height * part / 8..height * part / 8 + BAND;
    vec![from(1), from(6)]
}

/// Most that a fitting filter is off, in levels.
fn tolerance(target: &Target, found: &Found) -> f64 {
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

/// The pixels of some rows of a place, three channels in 0..=255, with their places in the tensor.
fn pixels(
    picture: &Picture,
    place: &Placement,
    preprocess: &Preprocess,
    rows: &[Range<usize>],
) -> Vec<(usize, usize, Vec<[f32; 3]>)> {
    let kernel = Kernel::of(preprocess);
    let unit = if kernel.depth() == Depth::Unit {
        255.0
    } else {
        1.0
    };
    let cut = crate::stage::canvas::cut(
        View {
            width: picture.width,
            height: picture.height,
            rgb: &picture.rgb,
        },
        place.source,
    );
    let view = View {
        width: place.source.width,
        height: place.source.height,
        rgb: cut.as_deref().unwrap_or(&picture.rgb),
    };
    let grey = (preprocess.channels.count() == 1 && preprocess.grey == GreyOrder::After)
        .then(|| Grey::of(preprocess));
    let mut resizer = Resizer::default();
    let mut out = Pixels::default();
    let mut all = Vec::new();
    for rows in rows {
        let region = Region {
            top: place.region.top + rows.start,
            height: rows.len(),
            ..place.region
        };
        resizer.resize(view, place.resized, kernel, region, &mut out);
        let values: Vec<[f32; 3]> = match &out {
            Pixels::U8(bytes) => {
                let pixel = |pixel: &[u8; 3]| match grey {
                    Some(grey) => [f32::from((grey.bytes)(*pixel)); 3],
                    None => pixel.map(f32::from),
                };
                bytes.as_chunks::<3>().0.iter().map(pixel).collect()
            }
            Pixels::F32(floats) => {
                let pixel = |pixel: &[f32; 3]| match grey {
                    Some(grey) => [(grey.floats)(*pixel) * unit; 3],
                    None => pixel.map(|value| value * unit),
                };
                floats.as_chunks::<3>().0.iter().map(pixel).collect()
            }
        };
        for (y, row) in rows.clone().zip(values.chunks_exact(region.width.max(1))) {
            all.push((place.at.0, place.at.1 + y, row.to_vec()));
        }
    }
    all
}

/// The order of channels and the lines that explain the tensor best, and what is left over.
fn explain(
    picture: &Picture,
    target: &Target,
    place: &Placement,
    preprocess: &Preprocess,
    rows: &[Range<usize>],
) -> Option<(Order, Vec<Line>, Residual)> {
    let rows = pixels(picture, place, preprocess, rows);
    let pairs = |order: Order, channel: usize| {
        let plane = target.plane(channel);
        let source = order.source(channel);
        rows.iter().flat_map(move |(left, y, row)| {
            let start = y * target.width + left;
            let wanted = &plane[start..start + row.len()];
            row.iter()
                .zip(wanted)
                .map(move |(pixel, t)| (f64::from(pixel[source]), f64::from(*t)))
        })
    };
    let explained = |order: &Order| {
        let line = |channel| {
            let mut sums = Sums::default();
            pairs(*order, channel).for_each(|(x, t)| sums.add(x, t));
            sums.line()
        };
        let lines: Vec<Line> = (0..target.channels).map(line).collect();
        let mut residual = Residual::default();
        for (channel, line) in lines.iter().enumerate() {
            let mut own = Residual::default();
            pairs(*order, channel).for_each(|(x, t)| own.add(*line, x, t));
            residual = residual.and(own);
        }
        (*order, lines, residual)
    };
    Order::all(target.channels)
        .iter()
        .map(explained)
        .min_by(|a, b| a.2.squares.total_cmp(&b.2.squares))
}

/// The whole recipe of a filter that fits: with mean and deviation, padding, and the order of the
/// arithmetic that comes nearest on all photos.
fn complete(
    search: &Search<'_>,
    geometry: &Geometry,
    mut preprocess: Preprocess,
    found: &Found,
    pictures: &[&Picture],
    placement: &Placement,
) -> Result<Option<(Recipe, Difference)>> {
    let (Some(target), Some(picture)) = (search.targets.first(), pictures.first()) else {
        return Ok(None);
    };
    let whole = [0..placement.region.height];
    let explained = explain(picture, target, placement, &preprocess, &whole);
    let Some((order, lines, _)) = explained else {
        return Ok(None);
    };
    let order = if target.channels == 1 {
        found.order
    } else {
        order
    };
    if order == Order::Bgr {
        preprocess.channels = boxwright_model::package::Channels::Bgr;
    }
    if preprocess.resize == Resize::Letterbox
        && !padding(&mut preprocess, target, placement, order, &lines)
    {
        return Ok(None);
    }
    let mut best: Option<(Recipe, Difference)> = None;
    for scale in [Scale::Fixed, Scale::PhotoMaximum] {
        let maximum = brightest(picture, placement, &preprocess);
        if scale == Scale::PhotoMaximum && maximum >= 255.0 {
            continue;
        }
        let stretch = if scale == Scale::Fixed {
            1.0
        } else {
            255.0 / maximum
        };
        let stretched: Vec<Line> = lines
            .iter()
            .map(|line| Line {
                scale: line.scale / stretch,
                ..*line
            })
            .collect();
        (preprocess.mean, preprocess.std) =
            numbers::named(&stretched, precision(target, &stretched));
        preprocess.scale = scale;
        let Some(candidate) = best_arithmetic(search, geometry, &preprocess, pictures)? else {
            continue;
        };
        let better = best
            .as_ref()
            .is_none_or(|(_, difference)| candidate.1.less_than(difference));
        if better {
            best = Some(candidate);
        }
    }
    Ok(best)
}

/// How exactly lines are known by numbers of this type.
fn precision(target: &Target, lines: &[Line]) -> Precision {
    let std = lines
        .iter()
        .map(|line| 1.0 / line.scale.abs().max(1e-12))
        .fold(0.0, f64::max);
    match target.dtype {
        ImageDtype::F16 => Precision {
            mean: 2e-3 * std.max(1.0),
            std: 1e-3,
        },
        _ => Precision {
            mean: 1e-4 * std.clamp(1.0, 100.0),
            std: 3e-6,
        },
    }
}

/// The largest value of the pixels at a place.
fn brightest(picture: &Picture, placement: &Placement, preprocess: &Preprocess) -> f64 {
    let whole = [0..placement.region.height];
    let rows = pixels(picture, placement, preprocess, &whole);
    let largest = rows
        .iter()
        .flat_map(|(_, _, row)| row.as_flattened())
        .fold(0.0f32, |most, value| most.max(*value));
    f64::from(largest).max(1.0)
}

/// The colour around a letterboxed picture; whether there is one.
fn padding(
    preprocess: &mut Preprocess,
    target: &Target,
    placement: &Placement,
    order: Order,
    lines: &[Line],
) -> bool {
    let (region, at) = (placement.region, placement.at);
    let inside = |x: usize, y: usize| {
        (at.0..at.0 + region.width).contains(&x) && (at.1..at.1 + region.height).contains(&y)
    };
    let mut around = vec![None; target.channels];
    for y in 0..target.height {
        for x in (0..target.width).filter(|x| !inside(*x, y)) {
            for (channel, around) in around.iter_mut().enumerate() {
                let value = target.plane(channel)[y * target.width + x];
                if around.is_some_and(|known: f32| (known - value).abs() > 1e-5) {
                    return false;
                }
                *around = Some(value);
            }
        }
    }
    let Some(values) = around.into_iter().collect::<Option<Vec<f32>>>() else {
        // Nothing lies around the picture.
        return true;
    };
    let mut pad = [0u8; 3];
    let mut whole = true;
    for (channel, (value, line)) in values.iter().zip(lines).enumerate() {
        let level = (f64::from(*value) - line.offset) / line.scale;
        whole &= (level - level.round()).abs() < 0.02 && (0.0..=255.0).contains(&level.round());
        match order {
            Order::Grey => pad = [level.round() as u8; 3],
            _ => pad[order.source(channel)] = level.round() as u8,
        }
    }
    if whole {
        preprocess.pad = Some(pad);
        return true;
    }
    preprocess.pad = None;
    preprocess.pad_normalised = values.first().map(|value| f64::from(*value));
    values.iter().all(|value| *value == values[0])
}

/// The order of the arithmetic that comes nearest on all photos.
fn best_arithmetic(
    search: &Search<'_>,
    geometry: &Geometry,
    preprocess: &Preprocess,
    pictures: &[&Picture],
) -> Result<Option<(Recipe, Difference)>> {
    let mut differences = vec![Difference::default(); Arithmetic::ALL.len()];
    let mut comparison = Comparison::new(search.max_pixels);
    for (picture, target) in pictures.iter().zip(search.targets) {
        let input = geometry.input(preprocess.clone(), target);
        if comparison.draw(picture, &input).is_err() {
            return Ok(None);
        }
        for (arithmetic, all) in Arithmetic::ALL.iter().zip(&mut differences) {
            let mut input = input.clone();
            input.preprocess.arithmetic = *arithmetic;
            *all = comparison.with(&input, target, |_, _, _| {}).and(all);
        }
    }
    let best = Arithmetic::ALL
        .iter()
        .zip(differences)
        .reduce(|best, other| {
            if other.1.less_than(&best.1) {
                other
            } else {
                best
            }
        });
    let (Some((arithmetic, difference)), Some(target)) = (best, search.targets.first()) else {
        return Ok(None);
    };
    let recipe = Recipe {
        preprocess: Preprocess {
            arithmetic: *arithmetic,
            ..preprocess.clone()
        },
        layout: target.layout,
        dtype: target.dtype,
        size: geometry.size,
        stride: geometry.stride,
    };
    Ok(Some((recipe, difference)))
}
