// Numbers, money and times as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const count = (number) => whole.format(number);
export const compact = (number) => (Math.abs(number) < 10_000 ? rate(number) : short.format(number));
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function rate(number) {
  if (number === 0) return "0";
  return number < 10 ? number.toFixed(1).replace(/\.0$/, "") : count(number);
}

/** Dollars, to the cent, and finer below one. */
export function dollars(amount) {
  const digits = Math.abs(amount) < 1 && amount !== 0 ? 3 : 2;
  return "$" + amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: digits });
}

/** Dollars where there is little room: whole or shorter from a thousand on. */
export const fewDollars = (amount) => (amount < 1000 ? dollars(amount) : `$${compact(amount)}`);

export function seconds(number) {
  if (number === null || number === undefined || !isFinite(number)) return "–";
  if (number < 10) return `${number.toFixed(1).replace(/\.0$/, "")} s`;
  if (number < 120) return `${Math.round(number)} s`;
  if (number < 7200) return `${Math.round(number / 60)} min`;
  if (number < 172_800) return `${Math.floor(number / 3600)} h ${Math.round((number % 3600) / 60)} min`;
  return `${Math.round(number / 86_400)} days`;
}

/** The time of day, and the day where it is another one; takes seconds since the epoch or RFC 3339. */
export function moment(when) {
  const date = new Date(typeof when === "number" ? when * 1000 : when);
  if (isNaN(date)) return String(when);
  const today = new Date().toDateString() === date.toDateString();
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

export function bytes(number) {
  for (const unit of ["B", "KB", "MB"]) {
    if (number < 1000) return `${rate(number)} ${unit}`;
    number /= 1000;
  }
  return `${rate(number)} GB`;
}
