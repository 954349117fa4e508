//! Boxes before suppression.

/// Most candidates that are held against each other: the best ones. Ultralytics' `max_nms`.
pub(super) const MOST: usize = 30_000;

/// The space that boxes lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Pixels of the model's input.
    Input,
    /// The same, of boxes that their library does not cut at the photo's edges.
    InputUncut,
    /// Parts of the photo's width and height, 0 to 1.
    Unit,
    /// Pixels of the photo.
    Photo,
}

/// One box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// Left, top, right, bottom; of a rotated box its centre and size.
    pub bounds: [f32; 4],
    pub score: f32,
    /// What has to be above the score threshold: the score, or the lower of it and what else is held
    /// against the threshold.
    pub threshold_score: f32,
    pub class: u32,
    /// The number of its extras.
    pub place: usize,
}

/// Boxes, and what each has besides.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    pub space: Space,
    pub list: Vec<Candidate>,
    /// `width` numbers for each candidate, by its place: an angle, keypoints, or coefficients.
    pub extras: Vec<f32>,
    pub width: usize,
}

impl Candidates {
    pub fn new(space: Space, width: usize) -> Self {
        Self {
            space,
            list: Vec::new(),
            extras: Vec::new(),
            width,
        }
    }

    /// Adds a box with its extras.
    pub fn add(
        &mut self,
        bounds: [f32; 4],
        score: f32,
        class: usize,
        extras: impl Iterator<Item = f32>,
    ) {
        self.list.push(Candidate {
            bounds,
            score,
            threshold_score: score,
            class: u32::try_from(class).unwrap_or(u32::MAX),
            place: self.list.len(),
        });
        self.extras.extend(extras);
    }

    /// The box that was added last also has this number held against the score threshold.
    pub fn also_held(&mut self, number: f32) {
        if let Some(last) = self.list.last_mut() {
            last.threshold_score = last.threshold_score.min(number);
        }
    }

    /// Drops all but the best `most`, and returns the highest score that was dropped: above it
    /// nothing is missing. The rest keep their order, and so their ranks among equal scores.
    pub fn keep_best(&mut self, most: usize) -> Option<f32> {
        if self.list.len() <= most {
            return None;
        }
        let mut scores: Vec<f32> = self.list.iter().map(|one| one.threshold_score).collect();
        let (_, cut, _) = scores.select_nth_unstable_by(most, |a, b| b.total_cmp(a));
        let cut = *cut;
        let mut best = Self::new(self.space, self.width);
        for candidate in self.list.iter().filter(|one| one.threshold_score > cut) {
            let place = best.list.len();
            best.list.push(Candidate {
                place,
                ..*candidate
            });
            best.extras.extend(self.extras_of(candidate));
        }
        *self = best;
        Some(cut)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.list.len() * size_of::<Candidate>() + self.extras.len() * size_of::<f32>()
    }

    /// What a box has besides.
    pub fn extras_of(&self, candidate: &Candidate) -> &[f32] {
        let start = candidate.place * self.width;
        self.extras
            .get(start..start + self.width)
            .unwrap_or_default()
    }
}

/// Centre and size to corners, in the order of Ultralytics' `xywh2xyxy`.
pub(super) fn corners([x, y, width, height]: [f32; 4]) -> [f32; 4] {
    let (half_width, half_height) = (width / 2.0, height / 2.0);
    [
        x - half_width,
        y - half_height,
        x + half_width,
        y + half_height,
    ]
}
