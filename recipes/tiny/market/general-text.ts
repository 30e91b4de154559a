/** @file A little everyday text in both languages, so that a tokenizer trained here has seen more than markets. */

/** Sentences about everyday things; every line is one text. */
export const generalText: readonly string[] = `
今天早上天气很好,我和妈妈一起去菜市场买菜。
市场里人很多,卖菜的叔叔阿姨都很热情。
我们先买了两斤西红柿,又买了一把青菜和几个土豆。
妈妈说,新鲜的蔬菜做出来的饭才好吃。
回家以后,爸爸已经把米饭煮好了。
请问去火车站怎么走?一直往前走,第二个路口左转就到了。
这本书讲的是一个小男孩和一只狗的故事,非常有意思。
学习一门新的语言需要时间和耐心,每天练习一点就会进步。
他在一家公司工作,负责设计和测试软件。
周末的时候,我喜欢看电影、听音乐,或者跟朋友一起打球。
春天来了,公园里的花都开了,红的、黄的、白的,美极了。
如果明天下雨,我们就在家里看书;如果不下雨,就去爬山。
手机没有电了,能借我一个充电器吗?
这张照片是去年夏天在海边拍的,后面的那座房子是我们住的地方。
老师问了一个问题,同学们都认真地想,然后一个接一个地回答。
科学家发现,每天走路半个小时对身体很有好处。
这道题不难,先把两个数相加,再减去三,最后乘以五。
城市里有很多高楼,也有安静的小街和古老的寺庙。
请把门关上,外面有点冷。
小猫睡在窗户旁边,阳光照在它的身上,看起来很舒服。
图片的左边是一棵树,右边是一辆蓝色的汽车,中间站着一个人。
对不起,我没有听清楚,你可以再说一遍吗?
电脑可以处理文字、图像和声音,但是它需要人告诉它做什么。
我们明天上午九点在学校门口见面,不要迟到。
他一边喝茶,一边看报纸,慢慢地过了一个下午。
中国的面积很大,北方的冬天很冷,南方的冬天比较暖和。
因为路上堵车,所以我来晚了十分钟。
这家饭馆的面条很有名,价格也不贵,一碗只要十几块钱。
请用一句话说明这张图片的主要内容,并告诉我你是怎么知道的。
根据上面的表格,第三季度的销售额比第二季度增加了百分之八。
模型先看图片,再读问题,然后一个字一个字地写出答案。
如果图片不清楚,请说看不清,不要乱猜。
This morning the weather was fine, so we walked to the market to buy some vegetables.
There were many people, and every seller had something fresh to show.
We bought two pounds of tomatoes, a bag of potatoes and some green apples.
My mother says that good food begins with good ingredients.
When we came home, dinner was almost ready.
Excuse me, how do I get to the station? Go straight ahead and turn left at the second corner.
The book tells the story of a boy and his dog, and it is full of surprises.
Learning a new language takes time and patience, but a little practice every day helps.
She works for a small company where she designs and tests software.
On weekends I like to watch films, listen to music, or play football with my friends.
Spring has come, and the flowers in the park are red, yellow and white.
If it rains tomorrow, we will stay at home and read; if not, we will climb the hill.
My phone is out of power. Could I borrow your charger?
This photo was taken at the seaside last summer; the house behind us is where we stayed.
The teacher asked a question, and the students thought about it before they answered.
Scientists have found that walking for half an hour every day is good for your health.
The problem is not hard: first add the two numbers, then subtract three, and multiply by five.
There are many tall buildings in the city, but also quiet streets and old temples.
Please close the door, because it is getting cold outside.
The cat sleeps next to the window, where the sun is warm.
On the left of the picture there is a tree, on the right a blue car, and a person stands between them.
I'm sorry, I did not hear that. Could you say it again?
A computer can work with text, images and sound, but people have to tell it what to do.
Let's meet at nine o'clock in front of the school. Don't be late!
He drank his tea, read the newspaper, and let the afternoon go by.
The north of the country is cold in winter, while the south stays rather mild.
Because of the traffic I arrived ten minutes late.
The noodles in this restaurant are famous, and a bowl costs only a few dollars.
Describe the main content of the image in one sentence and explain how you know.
According to the table above, sales in the third quarter grew by eight percent.
The model looks at the picture, reads the question, and writes the answer one token at a time.
If the picture is not clear, say so; do not guess.
`
  .trim()
  .split("\n");
