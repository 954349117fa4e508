//! Pictures of one colour, as BMP files.

use std::path::Path;

/// A BMP picture, all of one colour (red, green, blue).
pub fn bmp(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let [red, green, blue] = colour;
    let row = (width as usize * 3).next_multiple_of(4);
    let pixels = row * height as usize;
    let mut file = b"BM".to_vec();
    for word in [54 + pixels as u32, 0, 54, 40, width, height] {
        file.extend(word.to_le_bytes());
    }
    for half in [1u16, 24] {
        file.extend(half.to_le_bytes());
    }
    for word in [0, pixels as u32, 2835, 2835, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    let mut line: Vec<u8> = [blue, green, red].repeat(width as usize);
    line.resize(row, 0);
    file.extend(line.repeat(height as usize));
    file
}

/// Writes `count` small pictures of different colours, named by their number.
///
/// # Panics
/// When the folder can't be written.
pub fn write_many(folder: &Path, count: u32) {
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let colour = [
            (number * 37 % 256) as u8,
            (number * 91 % 256) as u8,
            (number * 11 % 256) as u8,
        ];
        std::fs::write(folder.join(format!("{number:04}.bmp")), bmp(40, 30, colour)).unwrap();
    }
}

/// Links each of the sample's photos `times` times into a folder.
///
/// # Panics
/// When the folder can't be written.
pub fn multiply(photos: &Path, folder: &Path, times: u32) {
    std::fs::create_dir_all(folder).unwrap();
    for entry in std::fs::read_dir(photos).unwrap() {
        let photo = entry.unwrap();
        for number in 0..times {
            let name = format!("{number:03}-{}", photo.file_name().to_string_lossy());
            std::fs::copy(photo.path(), folder.join(name)).unwrap();
        }
    }
}
