/** @file Which fonts boards are written in, by collection: the first world's, the wide world's, and those of a Debian system. */

/** A file of an @fontsource package. */
export interface WebFont {
  readonly name: string;
  readonly weight: number;
  readonly italic: boolean;
}

/** "lora 400 700i": a package with its weights, italics marked. */
const parse = (lines: string): WebFont[] =>
  lines.split(";").flatMap((line) => {
    const [name, ...styles] = line.trim().split(/\s+/);
    return styles.map((style) => ({ name: name!, weight: Number.parseInt(style, 10), italic: style.endsWith("i") }));
  });

/** The first world's Latin fonts, in this order. */
export const firstLatin = parse(
  "roboto 400 700; oswald 500 700; bebas-neue 400; lora 600; patrick-hand 400; roboto-mono 500; montserrat 600; nunito 700; pt-serif 700; inter 500 800; anton 400",
);
export const firstLatinHeldOut = parse("open-sans 600; merriweather 700; fira-sans 500; comic-neue 700");
export const chinese = parse("noto-sans-sc 500 800; zcool-xiaowei 400");
export const chineseHeldOut = parse("zcool-kuaile 400");

/**
 * What the wide world adds for training: bold, heavy, light, condensed, italic, outlined, handwritten, typewritten and pixel
 * faces. None has the design of a font of `systemFonts`.
 */
export const wideLatin = parse(
  `roboto 300 900 700i; montserrat 900 500i; nunito 900; lora 700i; oswald 300; pt-serif 400i; inter 300 900;
  roboto-mono 700; acme 400; alfa-slab-one 400; bangers 400; black-ops-one 400; bowlby-one-sc 400; bree-serif 400;
  bubblegum-sans 400; bungee 400; bungee-shade 400; calistoga 400; carter-one 400; caveat-brush 400; changa-one 400 400i;
  chewy 400; coiny 400; days-one 400; gochi-hand 400; gloria-hallelujah 400; handlee 400; indie-flower 400; jockey-one 400;
  kaushan-script 400; knewave 400; krona-one 400; lilita-one 400; luckiest-guy 400; mansalva 400; mouse-memoirs 400;
  patua-one 400; paytone-one 400; permanent-marker 400; press-start-2p 400; rock-salt 400; russo-one 400; schoolbell 400;
  shadows-into-light 400; short-stack 400; shrikhand 400; sigmar-one 400; staatliches 400; tiny5 400;
  courier-prime 400 700 700i; lato 400 900 700i; poppins 500 800 600i; barlow-condensed 500 800 700i;
  playfair-display 500 800 700i; raleway 700; arvo 700; kanit 600 500i; teko 600; orbitron 700; rubik 500 900 700i;
  pt-sans-narrow 400 700`,
);
/** Fifteen faces that training never sees, of all these styles. */
export const wideLatinHeldOut = parse(
  `archivo-black 400; fjalla-one 400; kalam 700; lobster 400; special-elite 400; passion-one 700; titan-one 400;
  ubuntu-condensed 400; vt323 400; covered-by-your-grace 400; dm-serif-display 400; exo-2 800i; share-tech-mono 400;
  cabin-sketch 700; yanone-kaffeesatz 700`,
);

/** Debian's packages fonts-dejavu-core, fonts-liberation, fonts-freefont-ttf and fonts-noto-core. */
export const systemPackages = [
  "fonts-dejavu-core",
  "fonts-liberation",
  "fonts-freefont-ttf",
  "fonts-noto-core",
] as const;
export const SYSTEM_FOLDER = "/usr/share/fonts/truetype";
/** Files under `SYSTEM_FOLDER`. */
export const systemFonts = [
  "dejavu/DejaVuSans.ttf",
  "dejavu/DejaVuSans-Bold.ttf",
  "dejavu/DejaVuSerif-Bold.ttf",
  "dejavu/DejaVuSansMono.ttf",
  "liberation/LiberationSans-Regular.ttf",
  "liberation/LiberationSans-Bold.ttf",
  "liberation/LiberationSerif-Regular.ttf",
  "liberation/LiberationMono-Bold.ttf",
  "freefont/FreeSans.ttf",
  "freefont/FreeSansBold.ttf",
  "freefont/FreeSerifBold.ttf",
  "freefont/FreeMonoBold.ttf",
  "noto/NotoSans-Regular.ttf",
  "noto/NotoSans-Bold.ttf",
  "noto/NotoSerif-Bold.ttf",
  "noto/NotoSans-BoldItalic.ttf",
] as const;
