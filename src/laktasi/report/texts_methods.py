"""The method page, across health centres, and the limits of all: how each number is made, and what it can say."""

from __future__ import annotations

from collections.abc import Mapping

from laktasi.report.texts_method_one import OF_ONE, Section, Text

SECTIONS: tuple[Section, ...] = (
    *OF_ONE,
    Section(
        "stratified",
        {"id": "tau_b gabungan di dalam puskesmas", "en": "tau_b pooled within centres"},
        (
            {
                "id": "Hanya pasangan catatan dari puskesmas yang sama, dijumlahkan atas semua puskesmas. Apa yang "
                "sama bagi seluruh puskesmas (bidannya, daerahnya) tidak dapat menimbulkan kaitan ini. Puskesmas "
                "dengan 80 catatan berbobot sekitar tujuh puluh kali puskesmas dengan 10. Intervalnya untuk puskesmas "
                "yang diteliti.",
                "en": "Only pairs of records of the same health centre, added up over all centres. Whatever is common "
                "to a centre (its midwives, its district) cannot make this association. A centre with 80 records "
                "weighs some seventy times one with 10. Its interval is for the centres that were studied.",
            },
            {
                "id": "Angka campuran (semua dalam satu tabel) hanya pembanding: perbedaan antarpuskesmas ikut "
                "terhitung.",
                "en": "The number with all thrown together is a comparison only: differences between centres are "
                "counted too.",
            },
        ),
        (
            {
                "id": "tau sama dengan jumlah S setiap puskesmas, dibagi akar dari jumlah Dx kali jumlah Dy",
                "en": "tau equals the sum of the centres’ S over the root of the sum of Dx times the sum of Dy",
            },
        ),
    ),
    Section(
        "mean",
        {"id": "Rata-rata puskesmas (efek acak)", "en": "Mean over centres (random effects)"},
        (
            {
                "id": "Puskesmas dianggap sampel dari puskesmas. Bobotnya tidak bergantung pada perkiraan puskesmas "
                "itu sendiri: ragam karena kebetulan adalah c/n, dengan satu c untuk semua. τ² menurut Paule dan "
                "Mandel, interval menurut Hartung dan Knapp. Puskesmas dengan kurang dari 10 catatan atau tanpa tau_b "
                "tidak dipakai, dan disebutkan.",
                "en": "The centres are taken for a sample of centres. Their weights do not depend on a centre’s own "
                "estimate: the variance by chance is c/n, with one c for all. τ² after Paule and Mandel, the interval "
                "after Hartung and Knapp. Centres with fewer than 10 records or without a tau_b are not used, and "
                "named.",
            },
        ),
        (
            {
                "id": "rata-rata sama dengan jumlah bobot kali tau dibagi jumlah bobot; bobot sama dengan satu dibagi "
                "tau kuadrat ditambah c per n",
                "en": "the mean equals the sum of weight times tau over the sum of weights; a weight is one over tau "
                "squared plus c over n",
            },
            {
                "id": "tau kuadrat dipilih sehingga jumlah bobot kali kuadrat simpangan sama dengan k dikurangi 1",
                "en": "tau squared is chosen so that the sum of weight times squared deviation equals k minus 1",
            },
            {
                "id": "interval: rata-rata plus minus t dengan k dikurangi 1 derajat bebas kali galat baku",
                "en": "interval: mean plus or minus t with k minus 1 degrees of freedom times the standard error",
            },
        ),
    ),
    Section(
        "prediction",
        {"id": "Puskesmas serupa berikutnya", "en": "One more such centre"},
        (
            {
                "id": "Tempat tau_b populasi satu puskesmas serupa berikutnya diperkirakan berada, 95% dari kali. "
                "Lebih lebar daripada interval rata-rata karena puskesmas memang berbeda.",
                "en": "Where the population’s tau_b of one more such centre is expected, 95% of the time. Wider than "
                "the interval of the mean, because centres do differ.",
            },
        ),
        (
            {
                "id": "rata-rata plus minus t dengan k dikurangi 2 derajat bebas kali akar dari tau kuadrat ditambah "
                "galat baku kuadrat",
                "en": "mean plus or minus t with k minus 2 degrees of freedom times the root of tau squared plus the "
                "squared standard error",
            },
        ),
    ),
    Section(
        "heterogeneity",
        {"id": "Perbedaan antarpuskesmas: Q, I², τ²", "en": "Differences between centres: Q, I², τ²"},
        (
            {
                "id": "Q membandingkan perbedaan antarpuskesmas dengan yang diharapkan dari kebetulan. I²: bagian "
                "perbedaan yang melebihi kebetulan. τ²: ragam tau_b yang sebenarnya, dengan interval profil Q. Q yang "
                "kecil dari sedikit puskesmas bukan bukti bahwa mereka sama; jumlah baris dan kolom yang berbeda pun "
                "membedakan tau_b.",
                "en": "Q compares the differences between centres with what chance would lead one to expect. I²: the "
                "share of the differences that is more than chance. τ²: the variance of the true tau_b, with its "
                "Q-profile interval. A small Q of few centres does not prove them alike; different row and column "
                "totals alone make tau_b differ.",
            },
        ),
        (
            {
                "id": "Q sama dengan jumlah n per c kali kuadrat dari tau dikurangi rata-ratanya",
                "en": "Q equals the sum of n over c times the square of tau minus its mean",
            },
            {
                "id": "I kuadrat sama dengan Q dikurangi k dikurangi 1, dibagi Q, paling sedikit nol",
                "en": "I squared equals Q minus k minus 1, divided by Q, at least zero",
            },
        ),
    ),
    Section(
        "leave_one_out",
        {"id": "Tanpa satu puskesmas, dan puskesmas kecil", "en": "Without one centre, and small centres"},
        (
            {
                "id": "Rata-rata dihitung lagi tanpa setiap puskesmas satu per satu: apakah satu puskesmas "
                "menentukannya? Dan sebuah garis atas 1/√N: apakah puskesmas kecil memberi tau_b yang lain daripada "
                "yang besar?",
                "en": "The mean is computed again without each centre in turn: does one of them carry it? And a line "
                "over 1/√N: do small centres give another tau_b than large ones?",
            },
        ),
    ),
    Section(
        "adjusted",
        {"id": "Dengan variabel ketiga disamakan", "en": "With a third variable held equal"},
        (
            {
                "id": "Berlapis: hanya pasangan catatan yang sama pada variabel ketiga z, di puskesmas yang sama. "
                "Parsial: tau parsial Kendall dari tiga tau_b. Keduanya hanya menyamakan apa yang ditanyakan; hal yang "
                "tidak ditanyakan tetap dapat berada di balik kaitan itu.",
                "en": "Stratified: only pairs of records alike in a third variable z, of the same centre. Partial: "
                "Kendall’s partial tau, from three tau_b. Both hold equal only what was asked; what was not asked may "
                "still be behind the association.",
            },
        ),
        (
            {
                "id": "tau parsial: tau xy dikurangi tau xz kali tau yz, dibagi akar dari satu dikurangi kuadrat tau "
                "xz kali satu dikurangi kuadrat tau yz",
                "en": "partial tau: tau xy minus tau xz times tau yz, over the root of one minus tau xz squared times "
                "one minus tau yz squared",
            },
        ),
    ),
    Section(
        "paired",
        {"id": "Sebelum dan sesudah", "en": "Before and after"},
        (
            {
                "id": "Perkiraan Hodges–Lehmann: median dari semua rata-rata dua perubahan d. Uji: peringkat bertanda "
                "Wilcoxon; intervalnya membalik uji itu. Kurang dari 6 pasang nilai tidak dihitung.",
                "en": "Hodges and Lehmann’s estimate: the median of all averages of two changes d. Test: Wilcoxon’s "
                "signed ranks; the interval inverts that test. Fewer than 6 pairs of values are not computed.",
            },
        ),
        (
            {
                "id": "delta: median dari setengah jumlah setiap dua perubahan",
                "en": "delta: the median of half the sum of every two changes",
            },
        ),
    ),
    Section(
        "trend",
        {"id": "Dari waktu ke waktu", "en": "Over time"},
        (
            {
                "id": "tau_b gabungan dari catatan yang wawancaranya jatuh dalam satu periode. Periode dengan sedikit "
                "catatan berinterval lebar; naik turunnya dapat berarti kebetulan saja.",
                "en": "The pooled tau_b of the records whose interview falls into one period. Periods with few records "
                "have wide intervals; ups and downs may be chance alone.",
            },
        ),
    ),
    Section(
        "next_round",
        {"id": "Putaran berikutnya", "en": "The next round"},
        (
            {
                "id": "Banyaknya catatan terkecil yang membuat uji dua sisi menemukan tau_b yang diandaikan dengan "
                "peluang yang disebut, bila jumlah baris dan kolom tetap seperti dalam proses ini.",
                "en": "The smallest number of records with which the two-sided test finds the assumed tau_b with the "
                "chance given, if row and column totals stay like those of this run.",
            },
        ),
    ),
    Section(
        "measures",
        {"id": "Ukuran lain dalam data peneliti", "en": "Other measures in the researchers’ data"},
        (
            {
                "id": "tau_c Stuart (m: banyaknya tingkat yang terisi pada sisi dengan tingkat paling sedikit), gamma "
                "Goodman dan Kruskal, serta d Somers ke dua arah, dengan galat baku dan intervalnya: "
                "analysis.kendall_latest.",
                "en": "Stuart’s tau_c (m: levels that somebody has, on the side that has fewer), Goodman and Kruskal’s "
                "gamma, and Somers’ d both ways, with standard errors and intervals: analysis.kendall_latest.",
            },
        ),
        (
            {
                "id": "tau c sama dengan 2 m S dibagi n kuadrat kali m dikurangi 1",
                "en": "tau c equals 2 m S over n squared times m minus 1",
            },
            {
                "id": "gamma sama dengan C dikurangi D dibagi C ditambah D",
                "en": "gamma equals C minus D over C plus D",
            },
            {
                "id": "d y diketahui x sama dengan S dibagi Dx; d x diketahui y sama dengan S dibagi Dy",
                "en": "d of y given x equals S over Dx; d of x given y equals S over Dy",
            },
        ),
    ),
    Section(
        "limits",
        {"id": "Batas-batas laporan ini", "en": "The limits of this report"},
        (
            {
                "id": "Survei ini mengamati dan tidak membagi perlakuan: kaitan tidak menunjukkan bahwa yang satu "
                "menimbulkan yang lain. Interval dan p menganggap catatan sebagai sampel acak; cara merekrut responden "
                "menentukan sejauh mana anggapan itu berlaku.",
                "en": "The survey observed and assigned nothing: an association does not show that one thing brings "
                "about the other. Intervals and p take the records for a random sample; how respondents were recruited "
                "decides how far that holds.",
            },
            {
                "id": "Interval yang mencakup nol tidak berarti tidak ada kaitan. tau_b puskesmas dengan jumlah baris "
                "dan kolom yang berbeda dibandingkan dengan hati-hati. Halaman ini tidak membuat peringkat puskesmas "
                "atau petugas, karena perbedaan seperti itu kebanyakan kebetulan.",
                "en": "An interval that includes zero does not mean that there is no association. Compare tau_b of "
                "centres with different row and column totals with care. No page ranks health centres or people: such "
                "differences are mostly chance.",
            },
        ),
    ),
)

METHODS: Mapping[str, Text] = {
    "methods_intro": {
        "id": "Cara setiap angka dihitung, dari jawaban sampai laporan. Semua angka dihitung dari data peneliti yang "
        "sama dan dapat dihitung ulang.",
        "en": "How each number is made, from answers to the report. All are computed from the same researchers’ data, "
        "and can be computed again.",
    },
    "references": {"id": "Pustaka", "en": "References"},
}
