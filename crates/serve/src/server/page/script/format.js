// Numbers in words.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const count = (n) => whole.format(n);
const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const milliseconds = (ms) => (ms >= 99.5 ? count(ms) : ms.toFixed(1));
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function bytes(n) {
  let unit = 0;
  for (; n >= 999.5 && unit < 3; unit += 1) n /= 1000;
  return `${n.toFixed(unit === 0 || n >= 99.95 ? 0 : 1)} ${["B", "kB", "MB", "GB"][unit]}`;
}

/** A score, which is a share only after softmax or sigmoid. */
const score = (value, isShare) => (isShare ? percent(value) : value.toPrecision(4));

/** An axis list; the lengths that a request chooses stand out. */
function shape(axes) {
  const text = make("span", "mono", "[");
  axes.forEach((length, place) => {
    if (place > 0) text.append(", ");
    text.append(Number(length) < 0 ? make("b", "", String(length)) : String(length));
  });
  text.append("]");
  return text;
}
