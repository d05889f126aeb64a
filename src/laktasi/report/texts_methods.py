"""The method page: how each number is made, what it can and cannot say, and who described it first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """One number, or one limit of them all."""

    key: str
    """Its place on the page; headings of numbers lead here."""
    title: Text
    paragraphs: tuple[Text, ...]
    spoken: tuple[Text, ...] = ()
    """Each of the section's formulae (`laktasi.report.formulae`), as one would read it out."""


SECTIONS: tuple[Section, ...] = (
    Section(
        "n",
        {"id": "Catatan yang dihitung (N)", "en": "Records that are counted (N)"},
        (
            {
                "id": "Satu catatan adalah satu kuesioner yang memenuhi syarat studi. Hasil utama memakai catatan yang "
                "diterima: yang tidak memiliki kesalahan terbuka. Di sebelahnya selalu ada hasil dari semua catatan. "
                "Catatan tanpa salah satu dari kedua jawaban tidak masuk N.",
                "en": "One record is one questionnaire that fits the study. The main results use accepted records: "
                "those without an open error. The result of all records stands beside. A record without one of the two "
                "answers is not in N.",
            },
        ),
    ),
    Section(
        "tables",
        {"id": "Tabel frekuensi dan tabel silang", "en": "Frequency tables and joint tables"},
        (
            {
                "id": "Persen adalah bagian dari catatan yang memiliki jawaban, dibulatkan ke satu angka di belakang "
                "koma. Tabel silang semua puskesmas adalah jumlah mentah sebagai gambaran.",
                "en": "Percentages are shares of the records that have an answer, rounded to one decimal. The joint "
                "table of all health centres holds plain sums, as a description.",
            },
        ),
    ),
    Section(
        "tau_b",
        {"id": "Kendall tau_b", "en": "Kendall’s tau_b"},
        (
            {
                "id": "Setiap dua catatan di satu puskesmas dibandingkan. C: pasangan yang sejalan (yang lebih tinggi "
                "pada yang pertama, lebih tinggi pula pada yang kedua). D: pasangan yang berlawanan. Pasangan yang "
                "sama pada salah satunya tidak masuk keduanya. Dx dan Dy: pasangan yang berbeda pada yang pertama, "
                "pada yang kedua.",
                "en": "Every two records of one health centre are compared. C: pairs that agree (higher in the first, "
                "higher in the second). D: pairs that oppose each other. A pair alike in either is in neither. Dx and "
                "Dy: pairs that differ in the first, in the second.",
            },
            {
                "id": "tau_b terletak antara −1 dan 1. Nol berarti pasangan yang sejalan dan yang berlawanan sama "
                "banyak, bukan bahwa tidak terjadi apa-apa.",
                "en": "tau_b lies between −1 and 1. Zero means as many pairs that agree as pairs that do not; it does "
                "not mean that nothing is going on.",
            },
        ),
        (
            {
                "id": "tau b sama dengan S dibagi akar dari Dx kali Dy; S sama dengan C dikurangi D",
                "en": "tau b equals S divided by the root of Dx times Dy; S equals C minus D",
            },
        ),
    ),
    Section(
        "attainable",
        {"id": "Batas tau_b dan bagian batas", "en": "Attainable range and share of the limit"},
        (
            {
                "id": "Jumlah baris dan kolom membatasi tau_b. Batas atas: tau_b tabel yang jumlahnya sama dan tidak "
                "memiliki pasangan berlawanan; batas bawah: yang tidak memiliki pasangan sejalan. Bagian batas: tau_b "
                "dibagi batas di sisinya. Batas itu milik data ini; intervalnya tentang populasi.",
                "en": "Row and column totals limit tau_b. Upper limit: tau_b of the table with the same totals and no "
                "pair that opposes; lower limit: the one with no pair that agrees. Share of the limit: tau_b over the "
                "limit on its side. The range belongs to these data; the interval is about the population.",
            },
        ),
    ),
    Section(
        "interval",
        {"id": "Interval 95% satu puskesmas", "en": "95% interval of one centre"},
        (
            {
                "id": "Interval skor: ragamnya diambil pada batas interval, bukan pada perkiraannya. κ berasal dari "
                "galat baku asimtotik ASE1 (Brown dan Benedetti 1977) setelah dua catatan tanpa kaitan disebar di "
                "tabel. Lalu interval dipotong pada rentang yang mungkin.",
                "en": "A score interval: the variance is taken at the limit, not at the estimate. κ comes from the "
                "asymptotic standard error ASE1 (Brown and Benedetti 1977) after two records without association are "
                "spread over the table. The interval is then cut to the attainable range.",
            },
        ),
        (
            {
                "id": "kuadrat dari tau b dikurangi t sama dengan 1,96 kuadrat kali kappa kali satu dikurangi t "
                "kuadrat",
                "en": "the square of tau b minus t equals 1.96 squared times kappa times one minus t squared",
            },
        ),
    ),
    Section(
        "p",
        {"id": "p asimtotik", "en": "Asymptotic p"},
        (
            {
                "id": "Dua sisi, dari z dengan ragam S bila kedua jawaban dipasangkan secara acak, dikoreksi untuk "
                "nilai kembar; t dan u: banyaknya catatan pada setiap tingkat yang pertama dan yang kedua. Inilah p "
                "dari korelasi nonparametrik SPSS.",
                "en": "Two-sided, from z with the variance of S if the two answers were matched at random, corrected "
                "for ties; t and u: records in each level of the first and of the second. This is the p of SPSS’s "
                "nonparametric correlations.",
            },
            {
                "id": "CROSSTABS di SPSS dan PSPP mencetak uji lain dengan judul yang sama: T, tau_b dibagi galat "
                "bakunya tanpa kaitan (ASE0). Keduanya ada dalam data peneliti. p di bawah 0,001 ditulis “< 0,001”, "
                "tidak pernah nol.",
                "en": "CROSSTABS in SPSS and PSPP print another test under the same heading: T, tau_b over its "
                "standard error under no association (ASE0). Both stand in the researchers’ data. A p below .001 is "
                "written “< .001”, never zero.",
            },
        ),
        (
            {"id": "z sama dengan S dibagi akar dari Var nol", "en": "z equals S divided by the root of Var zero"},
            {
                "id": "Var nol sama dengan A per 18, ditambah B per 9 n kali n dikurangi 1 kali n dikurangi 2, "
                "ditambah C per 2 n kali n dikurangi 1",
                "en": "Var zero equals A over 18, plus B over 9 n times n minus 1 times n minus 2, plus C over 2 n "
                "times n minus 1",
            },
            {
                "id": "A sama dengan n kali n dikurangi 1 kali 2n ditambah 5, dikurangi A t, dikurangi A u",
                "en": "A equals n times n minus 1 times 2n plus 5, minus A t, minus A u",
            },
            {
                "id": "A t: jumlah t kali t dikurangi 1 kali 2t ditambah 5; A u demikian pula",
                "en": "A t: the sum of t times t minus 1 times 2t plus 5; A u likewise",
            },
            {
                "id": "B: jumlah t kali t dikurangi 1 kali t dikurangi 2, kali jumlah yang sama atas u",
                "en": "B: the sum of t times t minus 1 times t minus 2, times the same sum over u",
            },
            {
                "id": "C: jumlah t kali t dikurangi 1, kali jumlah yang sama atas u",
                "en": "C: the sum of t times t minus 1, times the same sum over u",
            },
            {"id": "T sama dengan tau b dibagi ASE nol", "en": "T equals tau b divided by ASE zero"},
        ),
    ),
    Section(
        "exact",
        {"id": "p eksak", "en": "Exact p"},
        (
            {
                "id": "Peluang S sejauh ini dari nol atau lebih jauh, di antara semua cara memasangkan kedua jawaban "
                "dengan jumlah baris dan kolom yang sama. Untuk tabel yang terlalu besar, cara-cara itu diambil "
                "sampelnya (Monte Carlo, dengan benih tetap). Di puskesmas kecil, inilah p yang dibaca.",
                "en": "The probability of an S this far from zero or farther, among all ways to match the two answers "
                "with the same row and column totals. For tables too large, these ways are sampled (Monte Carlo, with "
                "a fixed seed). In small centres it is the p to read.",
            },
        ),
        (
            {
                "id": "p sama dengan peluang bahwa nilai mutlak S paling sedikit sebesar nilai mutlak s",
                "en": "p equals the probability that the absolute value of S is at least that of s",
            },
        ),
    ),
    Section(
        "holm",
        {"id": "p (Holm): banyak puskesmas, banyak uji", "en": "p (Holm): many centres, many tests"},
        (
            {
                "id": "Dari 40 puskesmas tanpa kaitan, dua akan memiliki p < 0,05. p (Holm) memperbesar p setiap "
                "puskesmas sehingga peluang satu saja peringatan palsu di antara k puskesmas tetap pada tarafnya. "
                "Dipakai p eksak bila ada. p Benjamini–Hochberg ada dalam data peneliti.",
                "en": "Of 40 centres without any association, two will have p < .05. p (Holm) raises each centre’s p "
                "so that the chance of a single false alarm among the k centres is held to its level. The exact p is "
                "used where there is one. Benjamini and Hochberg’s p stands in the researchers’ data.",
            },
        ),
        (
            {
                "id": "p Holm ke-j: yang terbesar, untuk l sampai j, dari (k dikurangi l ditambah 1) kali p ke-l, "
                "paling banyak 1",
                "en": "the j-th Holm p: the largest, over l up to j, of (k minus l plus 1) times the l-th p, at most 1",
            },
        ),
    ),
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
