/** @file Imported before a program: after FAULT_MS milliseconds its clock of the day jumps by FAULT_SECONDS, as when it is set by hand. */
const RealDate = Date;
const ms = () => (performance.now() < Number(process.env.FAULT_MS) ? 0 : Number(process.env.FAULT_SECONDS) * 1000);

globalThis.Date = class JumpingDate extends RealDate {
  constructor(...given) {
    if (given.length > 0) super(...given);
    else super(RealDate.now() + ms());
  }

  static now() {
    return RealDate.now() + ms();
  }
};
