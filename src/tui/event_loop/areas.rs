//! Where the parts of the picture stand: four boxes beside each other or two by two, and the turns below.

use ratatui::layout::Rect;

/// Columns of the boxes at 120, without the border that each shares with the one before.
const SHARES: [u16; 4] = [32, 31, 27, 30];

/// Where the parts stand.
pub(super) struct Areas {
    pub(super) sentence: Rect,
    /// Poll, watchers, callbacks, pool; `None` where there is no room for boxes.
    pub(super) boxes: Option<[Rect; 4]>,
    pub(super) below: Rect,
}

impl Areas {
    pub(super) fn of(body: Rect) -> Self {
        let sentence = Rect { height: 1.min(body.height), ..body };
        let rest = Rect { y: sentence.bottom(), height: body.height - sentence.height, ..body };
        let upper = if rest.width >= 112 && rest.height >= 14 {
            let height = (rest.height * 40 / 100).clamp(9, 16);
            Some((height, side_by_side(Rect { height, ..rest })))
        } else if rest.width >= 60 && rest.height >= 18 {
            let each = (rest.height * 32 / 100).clamp(7, 10);
            let [poll, watchers] = halves(Rect { height: each, ..rest });
            let [callbacks, pool] = halves(Rect { y: rest.y + each - 1, height: each, ..rest });
            Some((2 * each - 1, [poll, watchers, callbacks, pool]))
        } else {
            None
        };
        // The border between the boxes and the turns is shared.
        let below = upper.map_or(rest, |(height, _)| Rect {
            y: rest.y + height - 1,
            height: rest.height - (height - 1),
            ..rest
        });
        Self { sentence, boxes: upper.map(|upper| upper.1), below }
    }
}

/// Four boxes that share borders, as wide as what is said in each.
fn side_by_side(area: Rect) -> [Rect; 4] {
    let mut x = area.x;
    let all: u16 = SHARES.iter().sum();
    let mut taken = 0;
    SHARES.map(|share| {
        taken += share;
        let end = area.x + (u32::from(area.width) * u32::from(taken) / u32::from(all)) as u16;
        let begin = x.saturating_sub(u16::from(x > area.x));
        x = end;
        Rect { x: begin, width: end - begin, ..area }
    })
}

/// Two halves that share a border.
fn halves(area: Rect) -> [Rect; 2] {
    let left = area.width.div_ceil(2);
    [Rect { width: left, ..area }, Rect { x: area.x + left - 1, width: area.width - left + 1, ..area }]
}
